import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Position } from '@taskmanager/protocol';
import type { Clock } from '../../context/index.js';
import { isFileTrouble } from '../../database/index.js';
import { LogUnavailable, type RecordedEvent } from '../../event-store/index.js';
import { TASK_STREAM_PREFIX } from '../../events/index.js';
import { EventFailed } from './event-failed.js';
import { foldRecords, refold } from './fold-records.js';
import { keepHeapSmall } from './frugal-heap.js';
import { eventOf, type ParkedTask } from './parked-tasks.js';
import { CheckpointMoved, type Processor, type ProcessorBatch } from '../processor.js';
import type { ProjectionOptions, View, ViewTables } from './view.js';
import {
  type BuildOrder,
  isOfThisHistory,
  laterOf,
  pickGeneration,
  ViewOfAnotherHistory,
  type ViewPlace,
} from './view-build.js';
import type { Generation } from './view-generations.js';
import { ViewParking } from './view-parking.js';

/** A transaction holds the event loop about this long, milliseconds; its commit comes on top. */
const TRANSACTION_MS = { serving: 12, building: 40, kept: 12, retired: 12 };
/** Of a build that is made while another one serves: commands go on meanwhile. */
const ORDERED_TRANSACTION_MS = 6;
/** Such a build writes so often what it has: a kill costs it no more than that, milliseconds. */
const WRITE_EVERY_MS = 2_000;

/** Trying parked tasks again holds up new events about this long at a time, milliseconds. */
const RETRY_MS = 100;

/** Events folded in memory before they are written although more are waiting to be read. */
const UNWRITTEN = { serving: 5_000, building: 1_000_000, kept: 0, retired: 0 };

/** Who hears of what happens to a view. */
export interface ViewListener {
  /** This build serves from now on. */
  promoted(position: Position | undefined): void;
  parked(task: ParkedTask): void;
  /** More parked tasks are to be tried again: it has to be opened again soon. */
  reopen(): void;
}

/**
 * Runs a view: keeps one generation of its tables at the log's pace. The checkpoint moves in the
 * transaction of the rows, compared with what it was, so that two processes on one file never both
 * write. What takes more than one short transaction is marked first (`ahead`), so that after a crash
 * in its middle the events it already holds are known to be no news.
 *
 * An event that cannot be folded, tried a few times from the checkpoint right before it, parks its
 * task: the row stays as it was, the task's later events are passed over, other tasks go on. What is
 * parked is tried again, when somebody wants it, between two batches.
 */
export class ViewProcessor implements Processor {
  readonly name: string;
  readonly version: number;
  readonly filter = { streamPrefix: TASK_STREAM_PREFIX };
  private readonly opened = new Map<number, ViewTables>();
  private readonly parking: ViewParking;
  private current: Generation;
  private tables: ViewTables;
  /** The last event that was folded, in memory at least, or passed over. */
  private seen: Position | undefined;
  private unwritten = 0;
  /** The build that was told to serve last. */
  private served: number | undefined;
  private endBuild: (() => void) | undefined;
  private isFinished = false;
  private writeBy = Infinity;

  /** `order`: the build to make; otherwise it keeps the one that serves, or that is to serve next. */
  constructor(
    private readonly view: View,
    options: ProjectionOptions,
    private readonly place: ViewPlace,
    clock: Clock,
    private readonly listener: ViewListener,
    private readonly order?: BuildOrder,
  ) {
    this.name = options.name;
    this.version = options.version;
    this.parking = new ViewParking(place.generations.parked, clock);
  }

  /** The build that it keeps; undefined until it was opened. */
  get generation(): Generation | undefined {
    return this.current;
  }

  isPaused(): boolean {
    return this.place.generations.isPaused(this.name);
  }

  /** As the file says, for another process may have changed it; as last seen while it cannot be read. */
  summary(): { readonly paused: boolean; readonly parked: number } {
    const { generations } = this.place;
    try {
      const parked = this.current ? generations.parked.count(this.current) : 0;
      return { paused: this.isPaused(), parked };
    } catch (error) {
      if (!isFileTrouble(error)) throw error;
      return { paused: false, parked: this.parking.count };
    }
  }

  /** Another process gave the build up, or has promoted it: it is to be opened again. */
  get isOutdated(): boolean {
    if (!this.current) return false;
    const { generation, version, state } = this.current;
    const stored = this.place.generations.find(this.name, generation);
    return stored?.version !== version || stored.state !== state;
  }

  /** Queries are answered from what this checkpoint covers. */
  get serves(): boolean {
    return this.current.state === 'serving';
  }

  async open(): Promise<Position | undefined> {
    this.current = pickGeneration(this.place, this.name, this.version, this.order?.generation);
    this.tables = await this.tablesOf(this.current.generation);
    if (!(await isOfThisHistory(this.current, this.tables, this.place.log))) throw this.giveUp();
    this.forget();
    this.parking.open(this.current);
    if (this.current.state === 'building') this.endBuild ??= keepHeapSmall();
    else this.buildEnded();
    if (this.serves) this.serve();
    else if (!this.order) await this.serveOlder();
    if (this.parking.wanted().length > 0 && !this.isPaused()) await this.retryWanted();
    return this.current.position ?? undefined;
  }

  async handle({ events, position, caughtUp }: ProcessorBatch): Promise<Position | undefined> {
    await this.fold(events);
    this.seen = position;
    const { state } = this.current;
    const more = this.parking.wanted().length > 0;
    const full = this.tables.full || performance.now() > this.writeBy;
    const wait = !caughtUp && !more && !full && this.unwritten < UNWRITTEN[state];
    // Nothing new is not written: two processes on one file would find their checkpoints moved for ever.
    const isNews = position !== undefined && position > (this.current.position ?? '');
    if (isNews && !wait) await this.write(position);
    if (position !== undefined) this.order?.folded(position);
    if (caughtUp && state === 'building') await this.complete();
    if (more) this.listener.reopen();
    await this.order?.pace.turn();
    return this.current.position ?? undefined;
  }

  private async complete(): Promise<void> {
    if (!this.isFinished) await this.tables.finish();
    this.isFinished = true;
    if (this.order?.mayServe() ?? true) this.promote();
  }

  /** An event that fails is parked or thrown; what comes before it is written, so that nothing else is tried again. */
  private async fold(records: readonly RecordedEvent[]): Promise<void> {
    let rest = this.parking.passing(records);
    for (;;) {
      const failed = foldRecords(this.tables, rest, this.current.ahead ?? undefined);
      if (!failed) break;
      const at = rest.findIndex(({ position }) => position === failed.event.position);
      const before = rest[at - 1]?.position ?? this.seen;
      if (before !== undefined && before > (this.current.position ?? '')) await this.write(before);
      if (!this.parking.givesUp(failed)) throw failed;
      this.park(failed);
      this.seen = failed.event.position;
      rest = this.parking.passing(rest.slice(at + 1));
    }
    this.unwritten += rest.length;
  }

  private park(failed: EventFailed): void {
    const { database } = this.place;
    const parked = database.write(() => {
      const { position, ahead } = this.current;
      const { position: passed } = failed.event;
      this.move(laterOf(position, passed), laterOf(ahead, passed));
      return this.parking.park(this.current, failed);
    });
    this.listener.parked(parked);
  }

  private async retryWanted(): Promise<void> {
    const until = performance.now() + RETRY_MS;
    for (const task of this.parking.wanted()) {
      await this.retry(task);
      if (performance.now() > until) return;
    }
  }

  private async retry(task: ParkedTask): Promise<void> {
    try {
      await this.bringUp(task);
    } catch (error) {
      const ofTheWhole = error instanceof CheckpointMoved || error instanceof LogUnavailable;
      if (ofTheWhole || isFileTrouble(error)) throw error;
      // Its rows cannot be read or written, and nothing waits for that.
      this.forget();
      const failed = new EventFailed(eventOf(task), error as Error);
      this.listener.parked(this.place.database.write(() => this.parkAgain(task, failed)));
    }
  }

  /** Brings the task's rows up to the checkpoint, or to the event that fails now. */
  private async bringUp(task: ParkedTask): Promise<void> {
    const { log, database } = this.place;
    const { position, ahead } = this.current;
    const until = position ?? task.position;
    const { stream } = eventOf(task);
    const refolded = await refold(this.tables, log, stream, until, ahead ?? undefined);
    const { failed, created } = refolded;
    const parked = database.write(() => {
      if (created !== undefined && task.revision > 0) this.tables.clear(created);
      while (!this.tables.write(Infinity));
      if (failed) return this.parkAgain(task, failed);
      this.move(position, ahead);
      this.parking.unpark(task);
      return undefined;
    });
    this.tables.committed();
    if (parked) this.listener.parked(parked);
  }

  private parkAgain(task: ParkedTask, failed: EventFailed): ParkedTask {
    this.move(this.current.position, this.current.ahead);
    return this.parking.park(this.current, failed, task);
  }

  /** Compare-and-set, inside of a transaction. */
  private move(position: Position | null, ahead: Position | null): void {
    const moved = this.place.generations.move(this.current, position, ahead);
    if (!moved) throw new CheckpointMoved(this.name);
    this.current = moved;
  }

  private forget(): void {
    this.tables.reset();
    this.seen = this.current.position ?? undefined;
    this.unwritten = 0;
    this.isFinished = false;
    if (this.order) this.writeBy = performance.now() + WRITE_EVERY_MS;
  }

  private async write(position: Position): Promise<void> {
    for (;;) {
      const done = this.place.database.write(() => this.writePart(position));
      this.tables.committed();
      if (done) break;
      await (this.order?.pace.turn() ?? nextTurn());
    }
    this.unwritten = 0;
    if (this.order) this.writeBy = performance.now() + WRITE_EVERY_MS;
  }

  private writePart(position: Position): boolean {
    const { current } = this;
    const ms = this.order ? ORDERED_TRANSACTION_MS : TRANSACTION_MS[current.state];
    const done = this.tables.write(performance.now() + ms);
    this.move(done ? position : current.position, laterOf(current.ahead, position));
    return done;
  }

  /** The new generation has seen all that the old one has: from here on it serves. */
  private promote(): void {
    const { database, generations } = this.place;
    database.write(() => {
      const stored = generations.of(this.name);
      const mine = stored.find(({ generation }) => generation === this.current.generation);
      if (mine?.marker !== this.current.marker) throw new CheckpointMoved(this.name);
      const serving = stored.filter(({ state }) => state === 'serving');
      if (serving.some((other) => this.isBehind(other))) return;
      for (const old of stored) {
        // A later one is a rebuild that was asked for while this one was made; that of a younger release,
        // which runs beside this one, would be built anew, and then take this one away, without an end.
        const replaced = old.generation < mine.generation && old.version <= mine.version;
        if (!replaced || old.state === 'retired' || old.state === 'kept') continue;
        const kept = old.state === 'serving' && this.order?.keepOld === true;
        generations.setState(old, kept ? 'kept' : 'retired');
      }
      this.current = generations.setState(mine, 'serving');
    });
    if (!this.serves) return;
    this.buildEnded();
    this.serve();
  }

  /** It may be another process that has promoted the build. */
  private serve(): void {
    const { generation, position } = this.current;
    this.view.serve(this.tables);
    if (this.served === generation) return;
    this.served = generation;
    this.listener.promoted(position ?? undefined);
  }

  /** Nothing follows: a rebuild that was given up holds nothing any more. */
  buildEnded(): void {
    this.endBuild?.();
    this.endBuild = undefined;
  }

  private isBehind({ log_id, version, position }: Generation): boolean {
    const comparable = log_id === this.place.log.logId && version === this.version;
    return comparable && (position ?? '') > (this.current.position ?? '');
  }

  private giveUp(): ViewOfAnotherHistory {
    const { current, name, place } = this;
    place.database.write(() => place.generations.setState(current, 'retired'));
    return new ViewOfAnotherHistory(name, current);
  }

  /** Old answers are better than none while the first build of this version runs, unless they are of another history. */
  private async serveOlder(): Promise<void> {
    const old = this.place.generations
      .of(this.name)
      // What a younger release writes, which may run beside this one, nobody knows here.
      .find(({ state, version }) => state === 'serving' && version <= this.version);
    if (!old || !this.view.reads(old.version)) return;
    const tables = await this.tablesOf(old.generation);
    if (await isOfThisHistory(old, tables, this.place.log)) this.view.serve(tables);
  }

  private async tablesOf(generation: number): Promise<ViewTables> {
    const tables = this.opened.get(generation) ?? (await this.view.open(generation));
    this.opened.clear();
    this.opened.set(generation, tables);
    return tables;
  }
}
