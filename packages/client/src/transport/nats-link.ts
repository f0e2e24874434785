import type * as nats from '@nats-io/transport-node';
import { TaskManagerError } from '../errors.js';
import { PendingReplies } from './pending-replies.js';
import { type Reply, TransportFailure } from './transport.js';

export type NatsModule = typeof nats;

/** How much longer the library's own timer runs than ours: ours decides. */
const SLACK_MS = 1_000;

/** A NATS connection from one (re)connect to the next disconnect, and the requests made in between. */
export class NatsLink {
  private readonly pending = new PendingReplies();
  private broken = false;

  constructor(
    private readonly nats: NatsModule,
    private readonly nc: nats.NatsConnection,
    private readonly onLost: () => void,
  ) {
    void this.watch();
  }

  request(subject: string, body: string, timeoutMs: number, signal?: AbortSignal): Promise<Reply> {
    if (this.broken || this.nc.isClosed()) {
      return Promise.reject(lost(false));
    }
    return this.pending.add(timeoutMs, signal, (id) => {
      this.nc
        .request(subject, `{"id":"${id}","data":${body}}`, { timeout: timeoutMs + SLACK_MS })
        .then((msg) => this.pending.settle(id, parseReply(msg)))
        .catch((error: unknown) => this.pending.fail(id, this.explain(subject, error)));
    });
  }

  close(): void {
    this.broken = true;
    this.pending.failAll('closed', 'The client was closed');
  }

  /** The library would let requests run into their time limit; we know sooner that their answers are lost. */
  private async watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect' || status.type === 'close') break;
    }
    this.broken = true;
    this.onLost();
    this.pending.failAll('connection_lost', 'The connection to the NATS broker broke');
  }

  private explain(subject: string, error: unknown): Error {
    const { RequestError, PermissionViolationError, InvalidArgumentError } = this.nats;
    if (error instanceof RequestError) {
      if (error.isNoResponders()) {
        return new TransportFailure('not_connected', false, `No service listens to ${subject}`);
      }
      if (error.cause instanceof PermissionViolationError) {
        const message = `The NATS broker does not let this client send ${subject}`;
        return new TaskManagerError('FORBIDDEN', message, undefined, undefined, { cause: error });
      }
    }
    if (error instanceof InvalidArgumentError) {
      const message = `The NATS broker takes no message of this size for ${subject}: ${error.message}`;
      return new TaskManagerError('PAYLOAD_TOO_LARGE', message, undefined, undefined, {
        cause: error,
      });
    }
    return error instanceof TaskManagerError ? error : lost(true);
  }
}

function parseReply(msg: nats.Msg): Reply {
  try {
    return msg.json<Reply>();
  } catch (cause) {
    const message = 'The reply is no JSON: somebody else answers on this subject';
    throw new TaskManagerError('BAD_ANSWER', message, undefined, undefined, { cause });
  }
}

function lost(sent: boolean): TransportFailure {
  return new TransportFailure('connection_lost', sent, 'The connection to the NATS broker broke');
}
