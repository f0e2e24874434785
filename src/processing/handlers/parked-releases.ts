import type { Position } from '@taskmanager/protocol';
import { type ParkedEvent, type RecordedEvent, streamPages } from '../../event-store/index.js';
import type { EventAttempts } from './event-attempts.js';
import type { RunPlace } from './run-place.js';
import type { TaskLanes } from './task-lanes.js';
import type { WaitingTasks } from './waiting-tasks.js';

/** Tasks that are released at once; more of them would keep new events waiting. */
const AT_ONCE = 256;

/** How far the run has come. */
export interface RunProgress {
  /** Every event up to here was put into the lane of its task. */
  readonly readTo: Position | undefined;
  /** No event up to here comes again. */
  readonly checkpoint: Position | undefined;
}

/**
 * Does what was asked for parked events: handles them, or passes them over, and then what waits behind
 * them, in order, from the task's stream. It runs in the lane of the task: what the log brings of it
 * meanwhile waits its turn behind.
 */
export class ParkedReleases {
  private readonly inHand = new Set<Position>();
  /** Ended while the list was read, which may show them as they were. */
  private readonly settled = new Set<Position>();
  private more = false;

  constructor(
    private readonly place: RunPlace,
    private readonly lanes: TaskLanes,
    private readonly attempts: EventAttempts,
    private readonly waiting: WaitingTasks,
    private readonly progress: RunProgress,
    /** There is more to do than was begun at once, and that is done. */
    private readonly lookAgain: () => void,
  ) {}

  /** Begins what is asked for. Rejects with LogUnavailable. One call at a time. */
  async look(): Promise<void> {
    this.settled.clear();
    this.more = false;
    for (const event of await this.place.store.listWanted(this.place.handler.name)) {
      if (!event.wanted || !this.mayBegin(event)) continue;
      this.more = this.inHand.size >= AT_ONCE;
      if (this.more) return;
      this.begin(event, event.wanted === 'discard' ? 1 : 0);
    }
  }

  private mayBegin({ wanted, stream, position }: ParkedEvent): boolean {
    if (this.inHand.has(position) || this.settled.has(position)) return false;
    const first = this.waiting.of(stream);
    if (first && first.position !== position) return false;
    // One that is passed over must not come again from the log.
    const passed = wanted === 'discard' ? this.progress.checkpoint : this.progress.readTo;
    return passed !== undefined && passed >= position;
  }

  private begin(parked: ParkedEvent, passedOver: number): void {
    const { readTo } = this.progress;
    if (readTo === undefined) return;
    this.inHand.add(parked.position);
    this.lanes.add(parked.stream, async () => {
      const done = await this.release(parked, parked.revision + passedOver, readTo).catch(
        (error: unknown) => {
          // The wish stays, and so it is tried again at the next look.
          this.place.logger.debug(`Parked events cannot be read: ${String(error)}`);
          return false;
        },
      );
      this.inHand.delete(parked.position);
      this.settled.add(parked.position);
      if (done && this.more && this.inHand.size === 0) this.lookAgain();
    });
  }

  private async release(parked: ParkedEvent, revision: number, to: Position): Promise<boolean> {
    for await (const record of this.eventsOf(parked.stream, revision, to)) {
      const outcome = await this.attempts.handle(record);
      if (outcome === 'left') return false;
      if (outcome !== 'handled') return this.waiting.park(record, outcome, parked);
    }
    return this.waiting.release(parked);
  }

  private async *eventsOf(
    stream: string,
    revision: number,
    to: Position,
  ): AsyncGenerator<RecordedEvent> {
    const { log, handler } = this.place;
    const { types } = handler.filter;
    for await (const page of streamPages(log, stream, BigInt(revision))) {
      for (const record of page) {
        if (record.position > to) return;
        if (!types || types.includes(record.type)) yield record;
      }
    }
  }
}
