import { setTimeout as sleep } from 'node:timers/promises';
import type { ParkedEvent, RecordedEvent } from '../../event-store/index.js';
import { taskIdOfStream } from '../../events/index.js';
import { backoffMs } from '../backoff.js';
import type { Failure } from './event-attempts.js';
import type { RunPlace, RunSignals } from './run-place.js';
import { unlessAborted } from './unless-aborted.js';

/** The tasks whose events wait, each with the first one, which could not be handled. */
export class WaitingTasks {
  private readonly first: Map<string, ParkedEvent>;

  /** `parked`: what is kept of them, by stream. */
  constructor(
    parked: ReadonlyMap<string, ParkedEvent>,
    private readonly place: RunPlace,
    private readonly signals: RunSignals,
  ) {
    this.first = new Map(parked);
  }

  get size(): number {
    return this.first.size;
  }

  /** The event at which this task waits. */
  of(stream: string): ParkedEvent | undefined {
    return this.first.get(stream);
  }

  /** Tried until it is kept; false when the run ended first. `instead` of one that was parked before. */
  async park(record: RecordedEvent, failure: Failure, instead?: ParkedEvent): Promise<boolean> {
    const { store, clock, logger, handler } = this.place;
    const again = instead?.position === record.position;
    const event: ParkedEvent = {
      processor: handler.name,
      stream: record.stream,
      position: record.position,
      eventId: record.id,
      revision: Number(record.revision),
      type: record.type,
      error: failure.error,
      attempts: failure.attempts + (again ? instead.attempts : 0),
      parkedAt: clock.now(),
    };
    const kept = await this.untilDone(async () => {
      await store.park(event);
      if (instead && !again) await store.unpark(handler.name, instead.position);
    });
    if (!kept) return false;
    this.first.set(event.stream, event);
    logger.warn(
      `The ${handler.kind} ${handler.name} parked task ${taskIdOfStream(event.stream)} at event ${event.type} ${event.eventId}, given up after attempt ${event.attempts}: ${event.error} – its later events wait; once the reason is gone, send tasks.admin.retry_parked_events.`,
    );
    return true;
  }

  /** Nothing waits behind this event any more. False when the run ended first. */
  async release(event: ParkedEvent): Promise<boolean> {
    const { store, handler } = this.place;
    const done = await this.untilDone(async () => {
      await store.unpark(handler.name, event.position);
    });
    if (done) this.first.delete(event.stream);
    return done;
  }

  /** From then on nobody reads again what was handled of the task: no checkpoint waits for that. */
  private async flush(): Promise<void> {
    const { handler } = this.place;
    if (handler.flush) await unlessAborted(handler.flush(), this.signals.giveUp);
  }

  private async untilDone(write: () => Promise<void>): Promise<boolean> {
    const { closing } = this.signals;
    for (let failures = 1; ; failures += 1) {
      try {
        await this.flush();
        await write();
        return true;
      } catch (error) {
        if (closing.aborted) return false;
        this.place.logger.debug(`Parked events were not written: ${String(error)}`);
        const pause = { signal: closing, ref: false };
        await sleep(backoffMs(failures), undefined, pause).catch(() => undefined);
      }
    }
  }
}
