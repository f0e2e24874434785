import { Client, type Dispatcher, Pool } from 'undici';
import { TryLater } from '../processing/index.js';
import { DeliveryFailed } from './delivery-failed.js';
import { isPublicHost, lookupPublic, PrivateAddress } from './public-lookup.js';
import { type Answer, failureOfStatus, redirectOf } from './redirects.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';

/** Connections to one endpoint, at most: those who send keep below it. */
const MAX_CONNECTIONS = 64;
/** Bytes of an answer that are read, so that the connection can be used again; a longer one ends it. */
const MAX_ANSWER_BYTES = 4 * 1024;
/** How long they may take: one that takes longer ends the connection too. */
const ANSWER_REST_MS = 250;

/** What a webhook is told. */
export interface WebhookMessage {
  /** The same whenever it is sent again: receivers drop repeats by it. */
  readonly id: string;
  /** JSON text. */
  readonly body: string;
}

/** Sends to one endpoint, over connections that are kept; {@link close} ends them. */
export class WebhookConnection {
  private readonly pool: Pool;

  constructor(readonly endpoint: WebhookEndpoint) {
    this.pool = new Pool(endpoint.url.origin, {
      connections: MAX_CONNECTIONS,
      connect: { timeout: endpoint.timeoutMs },
    });
  }

  /**
   * Resolves once the endpoint has answered 2xx within the time limit; what its answer says is not read.
   * @param sentAt part of the signature
   * @throws DeliveryFailed; TryLater when `signal` fires first
   */
  async post(message: WebhookMessage, sentAt: Date, signal: AbortSignal): Promise<void> {
    const { timeoutMs } = this.endpoint;
    const exchange = new AbortController();
    const end = () => exchange.abort();
    const limit = setTimeout(end, timeoutMs);
    signal.addEventListener('abort', end);
    try {
      signal.throwIfAborted();
      await this.deliver(message, sentAt, exchange.signal);
    } catch (error) {
      if (signal.aborted) throw new TryLater('sending was stopped');
      if (exchange.signal.aborted) throw new DeliveryFailed(`no answer within ${timeoutMs} ms`);
      throw failureOf(error);
    } finally {
      clearTimeout(limit);
      signal.removeEventListener('abort', end);
    }
  }

  /** What is under way fails. */
  async close(): Promise<void> {
    await this.pool.destroy();
  }

  private async deliver(message: WebhookMessage, at: Date, signal: AbortSignal): Promise<void> {
    const { endpoint } = this;
    const headers: Readonly<Record<string, string>> = {
      'content-type': 'application/json',
      'user-agent': 'taskmanager',
      'webhook-id': message.id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': endpoint.sign(message.id, at, message.body),
    };
    const { authorization } = endpoint;
    const send = (dispatcher: Dispatcher, url: URL) => {
      const isHome = url.origin === endpoint.url.origin;
      const own = authorization !== undefined && isHome ? { ...headers, authorization } : headers;
      return exchange(dispatcher, url, own, message.body, signal);
    };
    let answer = await send(this.pool, endpoint.url);
    let url = redirectOf(answer, endpoint.url, 0);
    for (let followed = 1; url; followed += 1) {
      const client = this.clientTo(url);
      try {
        answer = await send(client, url);
      } finally {
        await client.destroy();
      }
      url = redirectOf(answer, url, followed);
    }
    if (answer.status < 200 || answer.status > 299) throw failureOfStatus(answer.status);
  }

  /** A connection of its own, so that hosts which an endpoint names leave nothing behind. */
  private clientTo(url: URL): Client {
    const { allowPrivateRedirects, timeoutMs: timeout } = this.endpoint;
    if (allowPrivateRedirects) return new Client(url.origin, { connect: { timeout } });
    // A literal address is connected to without a look-up.
    if (!isPublicHost(url.hostname)) throw new PrivateAddress();
    return new Client(url.origin, { connect: { timeout, lookup: lookupPublic } });
  }
}

async function exchange(
  dispatcher: Dispatcher,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<Answer> {
  const response = await dispatcher.request({
    method: 'POST',
    path: url.pathname + url.search,
    headers,
    body,
    signal,
  });
  // The status says it all: an answer that is too long, too slow or cut off changes nothing.
  const tooSlow = setTimeout(() => response.body.destroy(), ANSWER_REST_MS);
  await response.body.dump({ limit: MAX_ANSWER_BYTES }).catch(() => undefined);
  clearTimeout(tooSlow);
  const location = response.headers['location'];
  return {
    status: response.statusCode,
    location: typeof location === 'string' ? location : undefined,
  };
}

/** Without the error's own text, which may name a URL with what is secret in it. */
function failureOf(error: unknown): DeliveryFailed {
  if (error instanceof DeliveryFailed) return error;
  if (error instanceof PrivateAddress) return new DeliveryFailed(error.message);
  const { code, name } = error as NodeJS.ErrnoException;
  return new DeliveryFailed(`could not be reached: ${code ?? name}`);
}
