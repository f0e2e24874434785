import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Position } from '@taskmanager/protocol';
import type { ViewsDatabase } from '../database/index.js';
import type { EventLog } from '../event-store/index.js';
import { TASK_STREAM_PREFIX } from '../events/index.js';
import { keepHeapSmall } from './frugal-heap.js';
import { CheckpointMoved, type Processor, type ProcessorBatch } from './processor.js';
import type { ProjectionOptions, View, ViewTables } from './view.js';
import type { Generation, ViewGenerations } from './view-generations.js';

/** A transaction holds the event loop about this long, milliseconds; its commit comes on top. */
const TRANSACTION_MS = { serving: 12, building: 40, retired: 12 };

/** Events folded in memory before they are written although more are waiting to be read. */
const UNWRITTEN = { serving: 5_000, building: 1_000_000, retired: 0 };

/** The tables that a rebuild filled were given up: another process did, or a start after an interruption. */
export class GenerationGone extends Error {
  override readonly name = 'GenerationGone';

  constructor(view: string, generation: number) {
    super(`Build ${generation} of ${view} was given up by somebody else. Ask for a rebuild again.`);
  }
}

/** The view knows events that the log does not hold: an older copy of the log was put in its place. */
export class ViewOfAnotherHistory extends Error {
  override readonly name = 'ViewOfAnotherHistory';

  constructor(view: string, { position }: Generation) {
    super(
      `${view} had come to ${position ?? 'its first events'}, but not in this log: an older one was put in its place. ${view} is built anew from what the log holds.`,
    );
  }
}

export interface ViewPlace {
  readonly database: ViewsDatabase;
  readonly generations: ViewGenerations;
  readonly log: EventLog;
}

/**
 * Runs a view: keeps one generation of its tables at the log's pace. The checkpoint moves in the
 * transaction of the rows, compared with what it was, so that two processes on one file never both
 * write. What takes more than one short transaction is marked first (`ahead`), so that after a crash
 * in its middle the events it already holds are known to be no news.
 */
export class ViewProcessor implements Processor {
  readonly name: string;
  readonly version: number;
  readonly filter = { streamPrefix: TASK_STREAM_PREFIX };
  private readonly opened = new Map<number, ViewTables>();
  private current: Generation;
  private tables: ViewTables;
  private unwritten = 0;
  private endBuild: (() => void) | undefined;

  /** `pinned`: the generation to build; otherwise the one that serves, or that is to serve next. */
  constructor(
    private readonly view: View,
    options: ProjectionOptions,
    private readonly place: ViewPlace,
    private readonly promoted: (position: Position | undefined) => void,
    private readonly pinned?: number,
  ) {
    this.name = options.name;
    this.version = options.version;
  }

  /** Queries are answered from what this checkpoint covers. */
  get serves(): boolean {
    return this.current.state === 'serving';
  }

  async open(): Promise<Position | undefined> {
    this.current = this.pick();
    this.tables = await this.tablesOf(this.current.generation);
    if (!(await this.isOfThisHistory(this.current, this.tables))) throw this.giveUp();
    this.tables.reset();
    this.unwritten = 0;
    if (this.current.state === 'building') this.endBuild ??= keepHeapSmall();
    else this.buildEnded();
    if (this.current.state === 'serving') this.view.serve(this.tables);
    else if (this.pinned === undefined) await this.serveOlder();
    return this.current.position ?? undefined;
  }

  async handle({ events, position, caughtUp }: ProcessorBatch): Promise<Position | undefined> {
    const { state, ahead } = this.current;
    this.tables.fold(events, ahead ?? undefined);
    this.unwritten += events.length;
    const wait = !caughtUp && !this.tables.full && this.unwritten < UNWRITTEN[state];
    if (!wait && position !== undefined) await this.write(position);
    if (caughtUp && state === 'building') {
      await this.tables.finish();
      this.promote();
    }
    return this.current.position ?? undefined;
  }

  private async write(position: Position): Promise<void> {
    for (;;) {
      const done = this.place.database.write(() => this.writePart(position));
      this.tables.committed();
      if (done) break;
      await nextTurn();
    }
    this.unwritten = 0;
  }

  private writePart(position: Position): boolean {
    const { current } = this;
    const done = this.tables.write(performance.now() + TRANSACTION_MS[current.state]);
    const ahead = laterOf(current.ahead, position);
    const moved = this.place.generations.move(current, done ? position : current.position, ahead);
    if (!moved) throw new CheckpointMoved(this.name);
    this.current = moved;
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
        // A later one is a rebuild that was asked for while this one was made.
        if (old.generation < mine.generation && old.state !== 'retired') {
          generations.setState(old, 'retired');
        }
      }
      this.current = generations.setState(mine, 'serving');
    });
    if (this.current.state !== 'serving') return;
    this.buildEnded();
    this.view.serve(this.tables);
    this.promoted(this.current.position ?? undefined);
  }

  private buildEnded(): void {
    this.endBuild?.();
    this.endBuild = undefined;
  }

  private isBehind({ log_id, version, position }: Generation): boolean {
    const comparable = log_id === this.place.log.logId && version === this.version;
    return comparable && (position ?? '') > (this.current.position ?? '');
  }

  /** False when an older log was put back, which may have grown since: what the rows say has not happened. */
  private async isOfThisHistory(generation: Generation, tables: ViewTables): Promise<boolean> {
    const { position, ahead } = generation;
    const reached = position === null ? ahead : laterOf(ahead, position);
    if (reached === null) return true;
    const { log } = this.place;
    // Asked after the checkpoint was read: another process may be moving both.
    const end = await log.head();
    return end !== undefined && end >= reached && (await tables.isOf(log));
  }

  private giveUp(): ViewOfAnotherHistory {
    const { current, name, place } = this;
    place.database.write(() => place.generations.setState(current, 'retired'));
    return new ViewOfAnotherHistory(name, current);
  }

  private pick(): Generation {
    const { database, generations, log } = this.place;
    return database.write(() => {
      const stored = generations.of(this.name);
      const mine = stored.filter(
        ({ state, version, log_id }) =>
          state !== 'retired' && version === this.version && log_id === log.logId,
      );
      if (this.pinned !== undefined) {
        const pinned = mine.find(({ generation }) => generation === this.pinned);
        if (!pinned) throw new GenerationGone(this.name, this.pinned);
        return pinned;
      }
      for (const old of stored) {
        if (old.log_id !== log.logId && old.state !== 'retired')
          generations.setState(old, 'retired');
      }
      return (
        mine.find(({ state }) => state === 'serving') ??
        mine[0] ??
        generations.begin(this.name, this.version, log.logId)
      );
    });
  }

  /** Old answers are better than none while the first build of this version runs, unless they are of another history. */
  private async serveOlder(): Promise<void> {
    const old = this.place.generations.of(this.name).find(({ state }) => state === 'serving');
    if (!old || !this.view.reads(old.version)) return;
    const tables = await this.tablesOf(old.generation);
    if (await this.isOfThisHistory(old, tables)) this.view.serve(tables);
  }

  private async tablesOf(generation: number): Promise<ViewTables> {
    const tables = this.opened.get(generation) ?? (await this.view.open(generation));
    this.opened.clear();
    this.opened.set(generation, tables);
    return tables;
  }
}

function laterOf(a: Position | null, b: Position): Position {
  return a !== null && a > b ? a : b;
}
