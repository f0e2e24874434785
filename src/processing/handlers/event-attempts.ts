import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordedEvent } from '../../event-store/index.js';
import { decodeTaskEvent } from '../../events/index.js';
import { backoffMs } from '../backoff.js';
import { Doorbell } from '../doorbell.js';
import { TryLater } from './processor-handler.js';
import type { ProcessorStatus } from '../processor.js';
import type { RunPlace, RunSignals } from './run-place.js';
import type { TaskLanes } from './task-lanes.js';

/** One event that is not handled at once, another replica being quicker, is nothing to tell of. */
const TOLD_FROM = 3;
const RING_EVERY_MS = 1_000;

/** `left`: given up because the run ends, whoever runs next is given it again. */
export type Outcome = 'handled' | 'left' | Failure;

/** It failed as often as it may. */
export interface Failure {
  readonly error: string;
  readonly attempts: number;
}

/** Gives events to a handler until it takes them or has failed too often, and knows which fail now. */
export class EventAttempts {
  lastError: ProcessorStatus['lastError'];
  /** Those that fail at present, with how often they have. */
  private readonly failing = new Map<RecordedEvent, number>();
  /** Those that are tried for ever, and were told of. */
  private readonly told = new Set<RecordedEvent>();
  /** Rings when the world is ready again. */
  private readonly ready = new Doorbell();
  private rungAt = -Infinity;

  constructor(
    private readonly place: RunPlace,
    private readonly lanes: TaskLanes,
    private readonly signals: RunSignals,
  ) {}

  /** Failures since the last success, of the event that has most. */
  get failures(): number {
    return Math.max(0, ...this.failing.values());
  }

  /** Never rejects. An event that cannot be decoded fails like one that cannot be handled. */
  async handle(record: RecordedEvent): Promise<Outcome> {
    const { signals } = this;
    const { handler } = this.place;
    for (let attempts = 0, delays = 0; ;) {
      if (signals.isOver()) return this.left(record);
      try {
        await handler.handle(decodeTaskEvent(record), signals.giveUp);
        this.over(record);
        return 'handled';
      } catch (error) {
        if (signals.isOver()) return this.left(record);
        this.failed(record, error);
        if (error instanceof TryLater) {
          delays += 1;
          // Others may be handled meanwhile: it may be one endpoint of many that has no room.
          await this.lanes.aside(() => this.ready.wait(backoffMs(delays), signals.closing));
        } else {
          attempts += 1;
          if (attempts >= handler.attempts) {
            this.forget(record);
            return { error: messageOf(error), attempts };
          }
          await this.lanes.aside(() => sleepUnless(signals.closing, backoffMs(attempts)));
        }
      }
    }
  }

  /** To be seen in the status; answers its message. */
  noteFailure(error: unknown): string {
    const message = messageOf(error);
    this.lastError = { message, at: this.place.clock.now() };
    return message;
  }

  private failed(record: RecordedEvent, error: unknown): void {
    const failures = (this.failing.get(record) ?? 0) + 1;
    this.failing.set(record, failures);
    const message = this.noteFailure(error);
    if (!(error instanceof TryLater) || failures < TOLD_FROM) return;
    if (this.told.size === 0) {
      const { kind, name } = this.place.handler;
      this.place.logger.warn(
        `The ${kind} ${name} waits, and tries again until it can go on: ${message}`,
      );
    }
    this.told.add(record);
  }

  private over(record: RecordedEvent): void {
    if (!this.failing.has(record)) return;
    const told = this.told.has(record);
    this.forget(record);
    this.ring();
    if (!told || this.told.size > 0) return;
    const { kind, name } = this.place.handler;
    this.place.logger.log(`The ${kind} ${name} goes on.`);
  }

  /** Not for each of many that go on: whoever is woken in vain has to try all the same. */
  private ring(): void {
    if (performance.now() - this.rungAt < RING_EVERY_MS) return;
    this.rungAt = performance.now();
    this.ready.ring();
  }

  private left(record: RecordedEvent): 'left' {
    this.forget(record);
    return 'left';
  }

  private forget(record: RecordedEvent): void {
    this.failing.delete(record);
    this.told.delete(record);
  }
}

async function sleepUnless(signal: AbortSignal, ms: number): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
