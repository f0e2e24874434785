import { onAbort } from '../on-abort.js';
import { TimeLimits } from '../time-limits.js';
import { type FailureReason, type Reply, TransportFailure } from './transport.js';

interface Pending {
  readonly id: string;
  readonly sentAt: number;
  readonly deadline: number;
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** Matches replies to requests by id, each within its time limit. */
export class PendingReplies {
  private readonly byId = new Map<string, Pending>();
  private readonly limits = new TimeLimits<Pending>((pending) => {
    this.fail(pending.id, new TransportFailure('no_answer', true, 'No answer came in time'));
    this.onTimeout?.(pending.sentAt);
  });
  private lastId = 0;

  /** @param onTimeout told after a request ran out of time, with the `performance.now()` of its sending */
  constructor(private readonly onTimeout?: (sentAt: number) => void) {}

  /** `send` gets the new request's id; what it throws fails the request. */
  add(
    timeoutMs: number,
    signal: AbortSignal | undefined,
    send: (id: string) => void,
  ): Promise<Reply> {
    const id = String(++this.lastId);
    const reply = new Promise<Reply>((resolve, reject) => {
      const sentAt = performance.now();
      const pending: Pending = { id, sentAt, deadline: sentAt + timeoutMs, resolve, reject };
      this.byId.set(id, pending);
      this.limits.add(pending);
    });
    const abort = () =>
      this.fail(id, new TransportFailure('aborted', true, 'The caller gave it up'));
    onAbort(signal, abort, reply);
    try {
      send(id);
    } catch (error) {
      this.fail(id, error as Error);
    }
    return reply;
  }

  /** A reply nobody waits for any more is dropped: its request was given up, and sent again if it mattered. */
  settle(id: string, reply: Reply): void {
    this.take(id)?.resolve(reply);
  }

  fail(id: string, error: Error): void {
    this.take(id)?.reject(error);
  }

  failAll(reason: FailureReason, message: string): void {
    for (const id of [...this.byId.keys()])
      this.fail(id, new TransportFailure(reason, true, message));
    this.limits.stop();
  }

  private take(id: string): Pending | undefined {
    const pending = this.byId.get(id);
    if (!pending) return undefined;
    this.byId.delete(id);
    this.limits.delete(pending);
    return pending;
  }
}
