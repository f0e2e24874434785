import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../context/index.js';
import { type ParkedEvent, ProcessorStore } from '../../event-store/index.js';
import { backoffMs } from '../backoff.js';
import { Doorbell } from '../doorbell.js';
import { Ownership } from '../ownership.js';
import type { ProcessorRun } from '../processor-run.js';
import type { ProcessorStatus } from '../processor.js';
import { SagaCommands } from '../sagas/saga-commands.js';
import { SagaFinder } from '../sagas/saga-finder.js';
import { TimerFiring } from './timer-firing.js';
import type { DueTask, TimerQueue } from './timer-queue.port.js';
import { TimerScan } from './timer-scan.js';

/** The name of the timers among the processors. */
export const TIMERS = 'timers';

/** A clock that jumps is noticed so soon. */
const LONGEST_SLEEP_MS = 5_000;
/** Somebody may have paused them through another process. */
const LOOK_AT_PAUSE_MS = 1_500;
const CAUGHT_UP_MS = 1_000;
const STOP_MS = 5_000;
const TELL_EVERY_MS = 10_000;
/** Overdue tasks are not counted beyond. */
const COUNTED = 100_000;

/**
 * Fires what is due: asks the saga's due method, sends its commands, and leaves it to the decider
 * whether it is really due. The event that follows changes the task's row, and that disarms the timer.
 * Holds one timeout, for the nearest due time; works only while this process is the owner, nobody has
 * paused it, and the task view has seen what was in the log when the term began. Leases are ended only
 * some time after that.
 */
@Injectable()
export class Timers implements ProcessorRun {
  readonly name = TIMERS;
  private readonly logger = new Logger('Timers');
  private readonly stopping = new AbortController();
  private readonly bell = new Doorbell();
  private running: Promise<void> = Promise.resolve();
  private queue: TimerQueue | undefined;
  private firing: TimerFiring | undefined;
  /** By the service's clock; something nearer ends the sleep. */
  private sleepsUntil = Infinity;
  private caughtUp = false;
  private paused = false;
  private pauseReadAt = -Infinity;
  /** By `performance.now()`. */
  private leasesEndFrom = -Infinity;
  private failures = 0;
  private lastError: ProcessorStatus['lastError'];
  private toldAt = -Infinity;

  constructor(
    private readonly ownership: Ownership,
    private readonly store: ProcessorStore,
    private readonly clock: Clock,
    private readonly commands: SagaCommands,
    private readonly sagas: SagaFinder,
    /**
     * So long after a term has begun no lease is ended, milliseconds: workers that are alive could not
     * renew while the service was away, and do so now.
     */
    private readonly leaseGraceMs = 0,
  ) {}

  /** The view of the timers hands itself over before the start; without one there are none. */
  use(queue: TimerQueue): void {
    this.queue = queue;
  }

  start(): void {
    if (this.queue) this.running = this.run(this.queue);
  }

  /** What is under way is given some seconds. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.firing?.allDone(STOP_MS);
  }

  async status(): Promise<readonly ProcessorStatus[]> {
    const overdue = this.queue?.countDue(this.clock.now(), COUNTED) ?? 0;
    const paused = await this.store.isPaused(TIMERS);
    const { state, failures, lastError } = this;
    const about = { name: TIMERS, kind: 'timers', version: 1, state, paused, parked: 0 } as const;
    return [{ ...about, overdue, failures, ...(lastError && { lastError }) }];
  }

  async setPaused(paused: boolean): Promise<void> {
    await this.store.setPaused(TIMERS, paused);
    this.pauseReadAt = -Infinity;
    this.bell.ring();
  }

  /** A timer is never parked: whatever goes wrong, it stays due and is tried again. */
  parked(): Promise<readonly ParkedEvent[]> {
    return Promise.resolve([]);
  }

  release(): Promise<number> {
    return Promise.resolve(0);
  }

  private get state(): ProcessorStatus['state'] {
    if (this.stopping.signal.aborted) return 'stopped';
    if (!this.ownership.current) return 'standby';
    if (this.failures > 0) return 'retrying';
    return this.caughtUp ? 'live' : 'catching_up';
  }

  private async run(queue: TimerQueue): Promise<void> {
    const { signal: stopping } = this.stopping;
    const ended = (trouble: unknown) => {
      if (trouble === undefined) this.failures = 0;
      else this.failed(trouble);
    };
    this.firing = new TimerFiring(this.sagas.dueMethods(), this.commands, ended, stopping);
    for (;;) {
      const term = await this.ownership.whenOwner(stopping);
      if (!term || stopping.aborted) return;
      await this.serve(queue, this.firing, AbortSignal.any([term.signal, stopping]));
    }
  }

  private async serve(queue: TimerQueue, firing: TimerFiring, signal: AbortSignal): Promise<void> {
    const scan = new TimerScan(queue);
    const stopListening = queue.onChange((dueAt) => {
      scan.changed(dueAt);
      if (dueAt < this.sleepsUntil) this.bell.ring();
    });
    this.caughtUp = false;
    this.leasesEndFrom = performance.now() + this.leaseGraceMs;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const ms = await this.turn(queue, scan, firing, signal);
        if (ms > 0) await this.sleep(ms, signal);
        else await nextTurn();
        failures = 0;
      } catch (error) {
        this.failed(error);
        await this.sleep(backoffMs(++failures), signal);
      }
    }
    stopListening();
  }

  /** Fires a page of what is due; answers how long there is nothing more to do, milliseconds. */
  private async turn(
    queue: TimerQueue,
    scan: TimerScan,
    firing: TimerFiring,
    signal: AbortSignal,
  ): Promise<number> {
    if (await this.isPaused()) return LOOK_AT_PAUSE_MS;
    this.caughtUp ||= await queue.caughtUp(CAUGHT_UP_MS);
    if (!this.caughtUp) return CAUGHT_UP_MS;
    const { tasks, more } = scan.next(this.clock.now());
    const grace = performance.now() < this.leasesEndFrom;
    for (const due of tasks) {
      const task = grace ? withoutLease(due) : due;
      if (task.timers.length === 0 || !firing.isToFire(task)) continue;
      await firing.whenRoom(signal);
      if (signal.aborted) return 0;
      firing.begin(task);
    }
    return more ? 0 : scan.waitMs(this.clock.now());
  }

  private async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const most = Math.min(ms, LONGEST_SLEEP_MS);
    this.sleepsUntil = this.clock.now() + most;
    await this.bell.wait(most, signal);
    this.sleepsUntil = -Infinity;
  }

  /** Asked seldom: it is kept with the log. */
  private async isPaused(): Promise<boolean> {
    const now = performance.now();
    if (now - this.pauseReadAt >= LOOK_AT_PAUSE_MS) {
      this.pauseReadAt = now;
      this.paused = await this.store.isPaused(TIMERS);
    }
    return this.paused;
  }

  private failed(trouble: unknown): void {
    this.failures += 1;
    const message = trouble instanceof Error ? trouble.message : String(trouble);
    this.lastError = { message, at: this.clock.now() };
    if (performance.now() - this.toldAt < TELL_EVERY_MS) return;
    this.toldAt = performance.now();
    this.logger.warn(`A timer could not be fired and is tried again: ${message}`);
  }
}

function withoutLease(task: DueTask): DueTask {
  return { ...task, timers: task.timers.filter(({ kind }) => kind !== 'lease') };
}
