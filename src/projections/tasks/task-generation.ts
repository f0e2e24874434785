import type { Kysely } from 'kysely';
import { offsetOf, type Position } from '@taskmanager/protocol';
import type { Statement, ViewsDatabase } from '../../database/index.js';
import type { EventLog } from '../../event-store/index.js';
import { type StoredTaskEvent, taskStream } from '../../events/index.js';
import { failureOf, type ViewTables } from '../../processing/index.js';
import { ClaimQueue } from './claim-queue.js';
import { TaskFold } from './task-fold.js';
import { TaskReader } from './task-reader.js';
import { clearRemnants } from './task-remnants.js';
import { TaskSearches } from './task-searches.js';
import { createIndexes, tableNames } from './task-tables.js';
import { TaskTimers } from './task-timers.js';
import { type Queued, TaskWriter } from './task-writer.js';

/** One generation of the task view: what folds into its tables and what reads them. */
export class TaskGeneration implements ViewTables {
  readonly reader: TaskReader;
  readonly queue: ClaimQueue;
  readonly searches: TaskSearches;
  readonly timers: TaskTimers;
  private readonly writer: TaskWriter;
  private readonly tasks: TaskFold;
  private readonly newest: Statement<[], [seq: number, id: string]>;

  /**
   * `queued` hears, after the commit, of tasks that workers may claim, now or from their runAt on;
   * `timed` of the nearest due time among those written; `freed` of types of which fewer tasks are held.
   */
  constructor(
    private readonly database: ViewsDatabase,
    private readonly generation: number,
    private readonly queued: (tasks: readonly Queued[]) => void,
    private readonly timed: (dueAt: number) => void,
    private readonly freed: (taskTypes: ReadonlySet<string>) => void,
  ) {
    const { connection, kysely } = database;
    const names = tableNames(generation);
    this.writer = new TaskWriter(connection, names);
    this.tasks = new TaskFold(connection, names, this.writer);
    this.reader = new TaskReader(connection, kysely, names);
    this.queue = new ClaimQueue(connection, names, queued);
    this.newest = connection
      .prepare<[], [number, string]>(`SELECT seq, id FROM ${names.task} ORDER BY seq DESC LIMIT 1`)
      .raw();
    this.timers = new TaskTimers(connection, names);
    this.searches = new TaskSearches(connection, names, this.reader.list.groups);
  }

  get full(): boolean {
    return this.tasks.full;
  }

  fold(events: readonly StoredTaskEvent[], ahead: Position | undefined): void {
    for (const event of events) {
      try {
        this.tasks.fold(event, ahead);
      } catch (error) {
        throw failureOf(event, error);
      }
    }
  }

  revisionOf(taskId: string): number {
    return this.tasks.revisionOf(taskId);
  }

  clear(created: Position): void {
    const { connection } = this.database;
    clearRemnants(connection, tableNames(this.generation), Number(offsetOf(created)));
    this.writer.groups.reset();
  }

  write(deadline: number): boolean {
    return this.tasks.write(deadline);
  }

  finish(): Promise<void> {
    const kysely = this.database.kysely as unknown as Kysely<never>;
    return createIndexes(kysely, tableNames(this.generation));
  }

  committed(): void {
    const queued = this.writer.takeQueued();
    if (queued.length > 0) this.queued(queued);
    const dueAt = this.writer.takeDueAt();
    if (dueAt !== undefined) this.timed(dueAt);
    const freed = this.writer.takeFreed();
    if (freed.size > 0) this.freed(freed);
  }

  /** By the task that was created last: its row's key is its place in the log. */
  async isOf(log: EventLog): Promise<boolean> {
    const newest = this.newest.get();
    if (!newest) return true;
    const [seq, id] = newest;
    const [created] = await log.readStream(taskStream(id), { limit: 1 });
    return created !== undefined && offsetOf(created.position) === BigInt(seq);
  }

  reset(): void {
    this.tasks.reset();
    this.writer.takeQueued();
    this.writer.takeDueAt();
    this.writer.takeFreed();
  }
}
