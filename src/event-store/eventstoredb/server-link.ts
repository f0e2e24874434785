import { setMaxListeners } from 'node:events';
import { type AppendResult, WrongExpectedVersionError } from '@eventstore/db-client';
import { LogUnavailable } from '../event-log.errors.js';
import type { ExpectedRevision } from '../event-log.port.js';
import { failureOf } from './call-failure.js';
import { CallQueue } from './call-queue.js';
import { ClusterClient, type LiveClient } from './cluster-client.js';
import type { EventOfClient } from './event-form.js';
import type { EventStoreDbTuning, ServerAddress } from './eventstoredb-options.js';
import { Shared } from './shared.js';
import { pauseMs, within } from './time-limit.js';

/** When an append may begin, and by when it has to be over. */
export interface Turn {
  readonly chars?: number;
  readonly until?: number;
  readonly beforeSending?: () => void;
}

const links = new Shared<ServerLink>((link) => link.end());
const SHORTEST_TRY_MS = 100;

/**
 * The way to one cluster, of which a process has one however many logs it opens there. Every call has
 * a time limit and a place in a bounded queue; what may pass is tried again until the limit; a client
 * that will not get well is thrown away, the old one before the new one is made.
 */
export class ServerLink {
  readonly appends: CallQueue;
  readonly reads: CallQueue;
  private current: { readonly live: LiveClient; readonly stop: AbortController } | undefined;
  private renewing: Promise<void> = Promise.resolve();
  private failingSince: number | undefined;
  private readonly ended = new AbortController();

  private constructor(
    private readonly server: ServerAddress,
    private readonly tuning: EventStoreDbTuning,
  ) {
    const { maxAppends, maxReads, maxQueued, maxQueuedChars } = tuning;
    this.appends = new CallQueue(maxAppends, maxQueued, maxQueuedChars);
    this.reads = new CallQueue(maxReads, maxQueued);
  }

  /** Each that opens the link gives it back with `close`. The first one's tuning holds for all. */
  static open(server: ServerAddress, tuning: EventStoreDbTuning): Promise<ServerLink> {
    return links.acquire(JSON.stringify(server), async () => new ServerLink(server, tuning));
  }

  close(): Promise<void> {
    return links.release(JSON.stringify(this.server));
  }

  async end(): Promise<void> {
    this.ended.abort();
    await this.renewing;
    const { current } = this;
    this.current = undefined;
    current?.stop.abort();
    await current?.live.client.end();
  }

  /** The client of now, not to be kept: it may be thrown away. */
  async live(): Promise<LiveClient> {
    await this.renewing;
    if (this.ended.signal.aborted) throw new LogUnavailable('it is closed', false);
    return (this.current ??= this.newClient()).live;
  }

  /**
   * Appends under a time limit, and again under the same ids and the same revision as long as the
   * outcome is unknown and time is left. Rejects with the client's WrongExpectedVersionError, or with
   * LogUnavailable.
   *
   * @param turn.until as `performance.now()` tells it; `timeoutMs` from now when left out
   * @param turn.beforeSending runs when the append's turn has come
   */
  append(
    stream: string,
    expectedRevision: ExpectedRevision,
    events: readonly EventOfClient[],
    { chars = 0, until = this.limit(), beforeSending }: Turn = {},
  ): Promise<AppendResult> {
    const call = async () => {
      beforeSending?.();
      return this.tryUntil(until, true, ({ client }, ms) =>
        within(ms, client.append(stream, expectedRevision, events)),
      );
    };
    return this.appends.run(until, call, chars);
  }

  /** Reads under a time limit, and again as long as time is left. Rejects with LogUnavailable. */
  read<T>(
    call: (live: LiveClient, ms: number) => Promise<T>,
    until: number = this.limit(),
  ): Promise<T> {
    return this.reads.run(until, () => this.tryUntil(until, false, call));
  }

  /** Until when a call that begins now may take, as `performance.now()` tells it. */
  limit(): number {
    return performance.now() + this.tuning.timeoutMs;
  }

  /** To be told of each failure of a call that was made past `append` and `read`; answers its reason. */
  async failed(live: LiveClient, error: unknown): Promise<string> {
    const { reason, passing, poisoned } = failureOf(error);
    if (passing) this.failingSince ??= performance.now();
    else this.answered();
    const silence = performance.now() - (this.failingSince ?? Infinity);
    if (poisoned || silence > this.tuning.silenceMs) this.renew(live);
    await this.renewing;
    return reason;
  }

  /** The server said something. */
  answered(): void {
    this.failingSince = undefined;
  }

  private async tryUntil<T>(
    until: number,
    writes: boolean,
    once: (live: LiveClient, ms: number) => Promise<T>,
  ): Promise<T> {
    let unknown = false;
    for (let failures = 0; ; failures += 1) {
      const live = await this.live();
      const left = Math.max(until - performance.now(), SHORTEST_TRY_MS);
      try {
        // A silent server may have lost one call only, so that half of the time is kept for another.
        const answer = await once(live, failures === 0 ? Math.min(left, this.halfTime) : left);
        this.answered();
        return answer;
      } catch (error) {
        if (error instanceof WrongExpectedVersionError) {
          this.answered();
          throw error;
        }
        const { passing, mayHaveHappened } = failureOf(error);
        unknown ||= writes && mayHaveHappened;
        const reason = await this.failed(live, error);
        const pause = pauseMs(failures);
        if (!passing || performance.now() + pause >= until || this.ended.signal.aborted) {
          throw new LogUnavailable(reason, unknown, { cause: error });
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  private get halfTime(): number {
    return this.tuning.timeoutMs / 2;
  }

  private newClient() {
    const stop = new AbortController();
    // Every call under way listens to it.
    setMaxListeners(0, stop.signal);
    this.failingSince = undefined;
    const client = new ClusterClient(this.server);
    return { live: { client, over: stop.signal }, stop };
  }

  private renew(bad: LiveClient): void {
    const { current } = this;
    if (current?.live !== bad) return;
    this.current = undefined;
    current.stop.abort();
    this.renewing = this.renewing.then(() => current.live.client.end());
  }
}
