import { backoffMs } from '../backoff.js';
import { TaskManagerError } from '../errors.js';
import { TimeLimits } from '../time-limits.js';
import { TransportFailure } from './transport.js';

interface Waiter<T> {
  readonly deadline: number;
  resolve(link: T): void;
  reject(error: Error): void;
}

/** A connection: who has it ends it, and what is still in flight on it fails. */
export interface Link {
  close(): Promise<void> | void;
}

/**
 * Keeps one connection: dials when somebody needs it, again and again with a jittered backoff as long
 * as anybody waits, and not at all when nobody does.
 */
export class Dialer<T extends Link> {
  private link: T | undefined;
  private dialing = false;
  private closed = false;
  private lastError: Error | undefined;
  private pause: { timer: NodeJS.Timeout; end: () => void } | undefined;
  private readonly waiters = new TimeLimits<Waiter<T>>((waiter) =>
    waiter.reject(this.notConnected()),
  );

  /**
   * @param dial resolves to a working connection, and calls `lost` when that breaks, however soon; a
   *   TaskManagerError ends the waiting at once
   * @param target for messages, e.g. `tcp://127.0.0.1:4010`
   */
  constructor(
    private readonly dial: (lost: () => void) => Promise<T>,
    private readonly target: string,
  ) {}

  get current(): T | undefined {
    return this.link;
  }

  /** Why there is no connection now. */
  get trouble(): string | undefined {
    if (this.link) return undefined;
    const cause = this.lastError ? `: ${this.lastError.message}` : '';
    return `No connection to ${this.target}${cause}`;
  }

  /** @throws TransportFailure after `timeoutMs` without a connection */
  get(timeoutMs: number): Promise<T> {
    if (this.link) return Promise.resolve(this.link);
    if (this.closed) return Promise.reject(closedFailure());
    return new Promise((resolve, reject) => {
      this.waiters.add({ deadline: performance.now() + timeoutMs, resolve, reject });
      if (!this.dialing) void this.dialUntilConnected();
    });
  }

  /** What fails for want of a connection: nothing of it was sent. */
  notConnected(): TransportFailure {
    return new TransportFailure('not_connected', false, this.trouble ?? `Lost ${this.target}`);
  }

  async close(): Promise<void> {
    const { link } = this;
    this.closed = true;
    this.link = undefined;
    this.rejectAll(closedFailure());
    this.pause?.end();
    await link?.close();
  }

  private async dialUntilConnected(): Promise<void> {
    this.dialing = true;
    for (let failures = 0; this.waiters.size > 0 && !this.closed; failures++) {
      if (failures > 0) await this.sleep(backoffMs(failures - 1));
      if (this.waiters.size === 0) break;
      try {
        await this.dialOnce();
        break;
      } catch (error) {
        this.lastError = error as Error;
        if (error instanceof TaskManagerError) this.rejectAll(error);
      }
    }
    this.dialing = false;
  }

  private async dialOnce(): Promise<void> {
    const made: { link?: T; isLost?: true } = {};
    const lost = () => {
      made.isLost = true;
      if (this.link === made.link) this.link = undefined;
    };
    const link = (made.link = await this.dial(lost));
    if (this.closed) await link.close();
    // Nobody would tell of it again: handed out, it would stay for ever.
    else if (made.isLost) throw new Error('the connection broke at once');
    else this.connected(link);
  }

  private connected(link: T): void {
    this.link = link;
    this.lastError = undefined;
    const waiters = this.waiters.values();
    this.waiters.stop();
    for (const waiter of waiters) waiter.resolve(link);
  }

  private rejectAll(error: Error): void {
    const waiters = this.waiters.values();
    this.waiters.stop();
    for (const waiter of waiters) waiter.reject(error);
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.pause = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.pause = { timer, end };
    });
  }
}

function closedFailure(): TransportFailure {
  return new TransportFailure('closed', false, 'The client is closed');
}
