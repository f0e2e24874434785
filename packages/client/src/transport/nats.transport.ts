import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { TaskManagerError } from '../errors.js';
import { Dialer } from './dialer.js';
import { type NatsModule, NatsLink } from './nats-link.js';
import type { Reply, Transport } from './transport.js';

const CONNECT_TIMEOUT_MS = 5_000;

/** What the broker, not the service, is told about who connects. */
export type NatsCredentials =
  | { readonly user: string; readonly pass?: string }
  | { readonly token: string }
  /** The text of a `.creds` file. */
  | { readonly creds: string }
  /** The seed of an nkey, `SU…`. */
  | { readonly nkey: string };

export interface NatsTarget {
  readonly servers: string | readonly string[];
  readonly credentials?: NatsCredentials;
  readonly tls?: NodeConnectionOptions['tls'];
  /** Shown in the broker's list of connections. */
  readonly name?: string;
}

/** Requests over a NATS broker; once connected it comes back after every outage, without limit. */
export class NatsTransport implements Transport {
  private readonly dialer: Dialer<NatsLink>;
  private nc: NatsConnection | undefined;
  private closed = false;

  constructor(private readonly target: NatsTarget) {
    this.dialer = new Dialer((lost) => this.dial(lost), `NATS at ${String(target.servers)}`);
  }

  get trouble(): string | undefined {
    return this.dialer.trouble;
  }

  async open(timeoutMs: number): Promise<void> {
    await this.dialer.get(timeoutMs);
  }

  request(subject: string, body: string, timeoutMs: number, signal?: AbortSignal): Promise<Reply> {
    const link = this.dialer.current;
    if (!link) return Promise.reject(this.dialer.notConnected());
    return link.request(subject, body, timeoutMs, signal);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.dialer.close();
    await this.nc?.close();
  }

  /** The first time it connects; later it waits until the library, which never gives up, is back. */
  private async dial(lost: () => void): Promise<NatsLink> {
    // Loaded when needed, so that programs on TCP do not pay for it.
    const nats = await import('@nats-io/transport-node');
    if (this.nc && !this.nc.isClosed()) {
      await this.nc.flush();
    } else {
      this.nc = await this.connect(nats);
      if (this.closed) await this.nc.close();
    }
    return new NatsLink(nats, this.nc, lost);
  }

  private async connect(nats: NatsModule): Promise<NatsConnection> {
    const { servers, tls, name } = this.target;
    try {
      return await nats.connect({
        servers: typeof servers === 'string' ? servers : [...servers],
        timeout: CONNECT_TIMEOUT_MS,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        reconnectJitter: 250,
        pingInterval: 15_000,
        noAsyncTraces: true,
        ...(name === undefined ? {} : { name }),
        ...(tls === undefined ? {} : { tls }),
        ...login(nats, this.target.credentials),
      });
    } catch (error) {
      if (error instanceof nats.AuthorizationError) {
        const message = `The NATS broker at ${String(servers)} refuses these credentials: ${error.message}`;
        throw new TaskManagerError('UNAUTHENTICATED', message, undefined, undefined, {
          cause: error,
        });
      }
      throw error;
    }
  }
}

function login(nats: NatsModule, credentials: NatsCredentials | undefined): NodeConnectionOptions {
  if (!credentials) return {};
  if ('creds' in credentials) {
    return { authenticator: nats.credsAuthenticator(Buffer.from(credentials.creds)) };
  }
  if ('nkey' in credentials) {
    return { authenticator: nats.nkeyAuthenticator(Buffer.from(credentials.nkey)) };
  }
  return { ...credentials };
}
