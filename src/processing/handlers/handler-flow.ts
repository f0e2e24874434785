import { setMaxListeners } from 'node:events';
import type { Position } from '@taskmanager/protocol';
import type { RecordedEvent } from '../../event-store/index.js';
import { CheckpointWriter } from './checkpoint-writer.js';
import { Doorbell } from '../doorbell.js';
import { EventAttempts } from './event-attempts.js';
import type { FlowStart } from './flow-start.js';
import { ParkedReleases } from './parked-releases.js';
import type { ProcessorBatch, ProcessorStatus } from '../processor.js';
import type { RunPlace, RunSignals } from './run-place.js';
import { TaskLanes } from './task-lanes.js';
import { type UnfinishedEvent, UnfinishedEvents } from './unfinished-events.js';
import { unlessAborted } from './unless-aborted.js';
import { WaitingTasks } from './waiting-tasks.js';

/** Tasks whose events are handled at once. */
const PLACES = 64;
/** Events that were read and are not finished: what they take of memory is bounded. */
const MOST_UNFINISHED = 2_000;
const LOOK_FOR_ROOM_MS = 1_000;

/** Who hears of what a flow cannot do by itself. */
export interface FlowListener {
  /** False once the term is over. */
  readonly owns: () => boolean;
  /** Somebody else moved the checkpoint. */
  readonly lost: () => void;
  readonly lookAgain: () => void;
}

/**
 * Events on their way through a handler while this process runs it, from its checkpoint on: each task's
 * in order, many tasks at once. An event is finished when it was handled, was parked, or waits behind
 * one that was parked; the checkpoint is where everything before is finished.
 */
export class HandlerFlow {
  private readonly closing = new AbortController();
  private readonly givingUp = new AbortController();
  private readonly lanes = new TaskLanes(PLACES);
  private readonly unfinished: UnfinishedEvents;
  private readonly room = new Doorbell();
  private readonly waiting: WaitingTasks;
  private readonly attempts: EventAttempts;
  private readonly writer: CheckpointWriter;
  private readonly releases: ParkedReleases;
  private ending: Promise<void> | undefined;

  constructor(
    private readonly place: RunPlace,
    { checkpoint, parked }: FlowStart,
    listener: FlowListener,
  ) {
    // As many listen as events are unfinished; Node warns of more than ten.
    setMaxListeners(0, this.closing.signal, this.givingUp.signal);
    const signals: RunSignals = {
      closing: this.closing.signal,
      giveUp: this.givingUp.signal,
      isOver: () => !listener.owns() || this.closing.signal.aborted,
    };
    this.unfinished = new UnfinishedEvents(checkpoint);
    this.waiting = new WaitingTasks(parked, place, signals);
    this.attempts = new EventAttempts(place, this.lanes, signals);
    this.writer = new CheckpointWriter(this.checkpointPlace(listener), checkpoint);
    this.releases = new ParkedReleases(
      place,
      this.lanes,
      this.attempts,
      this.waiting,
      this,
      listener.lookAgain,
    );
  }

  /** Everything up to here was read. */
  get readTo(): Position | undefined {
    return this.unfinished.readTo;
  }

  /** As it is stored. */
  get checkpoint(): Position | undefined {
    return this.writer.position;
  }

  get status(): Pick<ProcessorStatus, 'failures' | 'parked' | 'lastError'> {
    const { lastError } = this.attempts;
    const failures = Math.max(this.attempts.failures, this.writer.failures);
    return { failures, parked: this.waiting.size, ...(lastError && { lastError }) };
  }

  /** Fires when it ends. */
  get ends(): AbortSignal {
    return this.closing.signal;
  }

  /** Resolves once there is room for what comes next, or the flow ends. */
  async take({ events, position }: ProcessorBatch): Promise<void> {
    const { closing, unfinished } = this;
    for (const record of events) {
      while (unfinished.size >= MOST_UNFINISHED && !closing.signal.aborted) {
        await this.room.wait(LOOK_FOR_ROOM_MS, closing.signal);
      }
      if (closing.signal.aborted) return;
      const event = unfinished.add(record.position);
      this.lanes.add(record.stream, () => this.handle(record, event));
    }
    if (position === undefined) return;
    unfinished.passTo(position);
    this.writer.progressed(false);
  }

  /** Does what was asked for parked events. Rejects with LogUnavailable. */
  async look(): Promise<void> {
    if (!this.closing.signal.aborted) await this.releases.look();
  }

  /**
   * Begins nothing more, and gives what is in hand so many milliseconds. Resolves when nothing runs any
   * more: that is later when a handler does not heed its signal.
   */
  end(graceMs: number): Promise<void> {
    this.closing.abort();
    if (graceMs <= 0) this.givingUp.abort();
    this.ending ??= this.finish(graceMs);
    return this.ending;
  }

  private async finish(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.givingUp.abort(), graceMs);
    await this.lanes.whenEmpty();
    await this.writer.end(!this.givingUp.signal.aborted);
    clearTimeout(timer);
  }

  private async handle(record: RecordedEvent, event: UnfinishedEvent): Promise<void> {
    const waits = this.waiting.of(record.stream) !== undefined;
    if (!waits) {
      const outcome = await this.attempts.handle(record);
      if (outcome === 'left') return;
      if (outcome !== 'handled' && !(await this.waiting.park(record, outcome))) return;
    }
    this.unfinished.finish(event);
    this.room.ring();
    this.writer.progressed(!waits);
  }

  private checkpointPlace(listener: FlowListener) {
    const { handler, store } = this.place;
    const { signal } = this.givingUp;
    return {
      finishedTo: () => this.unfinished.finishedTo,
      flush: async () => {
        if (handler.flush) await unlessAborted(handler.flush(), signal);
      },
      move: (from: Position | undefined, to: Position) =>
        unlessAborted(store.moveCheckpoint(handler.name, from, to), signal),
      lost: listener.lost,
      failed: (error: unknown) => {
        if (!signal.aborted) this.attempts.noteFailure(error);
      },
    };
  }
}
