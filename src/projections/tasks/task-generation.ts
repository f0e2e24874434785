import type { Kysely } from 'kysely';
import { offsetOf, type Position } from '@taskmanager/protocol';
import type { Statement, ViewsDatabase } from '../../database/index.js';
import type { EventLog } from '../../event-store/index.js';
import { type StoredTaskEvent, taskStream } from '../../events/index.js';
import type { ViewTables } from '../../processing/index.js';
import { ClaimQueue } from './claim-queue.js';
import { TaskFold } from './task-fold.js';
import { TaskReader } from './task-reader.js';
import { TaskSearches } from './task-searches.js';
import { createIndexes, tableNames } from './task-tables.js';
import { type Queued, TaskWriter } from './task-writer.js';

/** One generation of the task view: what folds into its tables and what reads them. */
export class TaskGeneration implements ViewTables {
  readonly reader: TaskReader;
  readonly queue: ClaimQueue;
  readonly searches: TaskSearches;
  private readonly writer: TaskWriter;
  private readonly tasks: TaskFold;
  private readonly newest: Statement<[], [seq: number, id: string]>;

  /** `queued` hears, after the commit, of tasks that workers may claim, now or from their runAt on. */
  constructor(
    private readonly database: ViewsDatabase,
    private readonly generation: number,
    private readonly queued: (tasks: readonly Queued[]) => void,
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
    this.searches = new TaskSearches(connection, names, this.reader.list.groups);
  }

  get full(): boolean {
    return this.tasks.full;
  }

  fold(events: readonly StoredTaskEvent[], ahead: Position | undefined): void {
    for (const event of events) this.tasks.fold(event, ahead);
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
  }
}
