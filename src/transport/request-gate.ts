import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Settings } from '../config/index.js';
import { Refusal } from '../context/index.js';
import type { CallerConnection, Exchange } from './exchange.js';

const STOPPING = new Refusal(
  'UNAVAILABLE',
  'The service is stopping: nothing was done. Send it again when it is back.',
);
const GIVEN_UP = new Refusal(
  'UNAVAILABLE',
  'The service stopped before this was answered; it may have taken effect. Send it again with the same commandId.',
);
const overloaded = (what: string): Refusal =>
  new Refusal(
    'OVERLOADED',
    `Too many requests ${what} at once: nothing was done. Send it again later.`,
  );
const TOO_MANY = overloaded('are in flight');
const TOO_MANY_HERE = overloaded('are in flight on this connection');
const TOO_MANY_WAIT = overloaded('wait for tasks or events');

/**
 * Every request passes here on its way in (DESIGN §6.10): past a limit it is refused at once, and when
 * the service stops nothing new comes in while what is inside is still answered.
 */
@Injectable()
export class RequestGate implements OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger('Requests');
  private readonly open = new Set<Exchange>();
  private readonly closed: (() => void)[] = [];
  private readonly limits: Settings['limits'];
  private readonly timeoutMs: number;
  private waiting = 0;
  private stopping = false;
  private emptied: (() => void) | undefined;
  private drain: Promise<void> | undefined;

  constructor(@Inject(Settings) { limits, shutdownTimeoutMs }: Settings) {
    this.limits = limits;
    this.timeoutMs = shutdownTimeoutMs;
  }

  /** Requests that are inside now; those that wait for something to happen are counted apart. */
  get load(): { readonly inFlight: number; readonly waiting: number } {
    return { inFlight: this.open.size - this.waiting, waiting: this.waiting };
  }

  /** Lets it in, or says why not. Whoever was let in must leave. */
  enter(exchange: Exchange): Refusal | undefined {
    if (this.stopping) return STOPPING;
    const { connection } = exchange;
    if (this.open.size - this.waiting >= this.limits.inFlight) return TOO_MANY;
    if (connection && connection.inFlight >= this.limits.inFlightPerConnection)
      return TOO_MANY_HERE;
    if (connection) connection.inFlight += 1;
    this.open.add(exchange);
    return undefined;
  }

  /**
   * Who waits is not in flight until the wait is over; then it is again, whatever the limits are, so that
   * what it waited for is not lost. Rejects with OVERLOADED when too many wait.
   */
  async whileWaiting<T>({ connection }: Exchange, wait: () => T | Promise<T>): Promise<T> {
    if (this.waiting >= this.limits.waiting) throw TOO_MANY_WAIT;
    this.count(1, connection);
    try {
      return await wait();
    } finally {
      this.count(-1, connection);
    }
  }

  leave(exchange: Exchange): void {
    if (!this.open.delete(exchange)) return;
    if (exchange.connection) exchange.connection.inFlight -= 1;
    if (this.open.size === 0) this.emptied?.();
  }

  /** Called once when the service begins to stop: the time to take no new connections and messages. */
  onClosed(listener: () => void): void {
    this.closed.push(listener);
  }

  /** Nest calls it first of all when the service stops, after it `beforeApplicationShutdown`. */
  onModuleDestroy(): void {
    if (this.stopping) return;
    this.stopping = true;
    for (const listener of this.closed) listener();
  }

  /** Views and log, which answer what is inside, are in global modules: Nest stops those after all others. */
  beforeApplicationShutdown(): Promise<void> {
    return this.drained();
  }

  /** Resolves when all that was inside is answered, at the latest after SHUTDOWN_TIMEOUT_MS. */
  drained(): Promise<void> {
    this.onModuleDestroy();
    this.drain ??= this.waitUntilEmpty();
    return this.drain;
  }

  private count(waits: 1 | -1, connection: CallerConnection | undefined): void {
    this.waiting += waits;
    if (connection) connection.inFlight -= waits;
  }

  private async waitUntilEmpty(): Promise<void> {
    if (this.open.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.timeoutMs);
      this.emptied = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (this.open.size > 0) {
      this.logger.warn(
        `${this.open.size} requests did not end in ${this.timeoutMs} ms and are given up`,
      );
    }
    for (const exchange of this.open) exchange.refuse(GIVEN_UP);
  }
}
