import type { Position } from '@taskmanager/protocol';
import type { Statement, ViewParkedTable, ViewsDatabase } from '../../database/index.js';
import { taskStream } from '../../events/index.js';
import type { FailedEvent } from './event-failed.js';

/** A task that a view has put aside, with the first of its events that wait. */
export interface ParkedTask extends Readonly<ViewParkedTable> {
  readonly position: Position;
}

/** The event that it waits at. */
export function eventOf({ event_id, task_id, revision, position, type }: ParkedTask): FailedEvent {
  return { id: event_id, stream: taskStream(task_id), revision, position, type };
}

type Build = Pick<ParkedTask, 'view' | 'generation'>;

/** What the views have parked. Each build of a view parks for itself. */
export class ParkedTasks {
  private readonly select: Statement<[string, number], ParkedTask>;
  private readonly selectOne: Statement<[string, number, string]>;
  private readonly number: Statement<[string, number], number>;
  private readonly put: Statement<[ParkedTask]>;
  private readonly wish: Statement<[string, number]>;
  private readonly wishOne: Statement<[string, number, string]>;
  private readonly removeOne: Statement<[string, number, string]>;
  private readonly removeAll: Statement<[string, number]>;

  constructor({ connection }: ViewsDatabase) {
    const where = 'WHERE view = ? AND generation = ?';
    this.select = connection.prepare(`SELECT * FROM view_parked ${where} ORDER BY position`);
    this.selectOne = connection.prepare(`SELECT 1 FROM view_parked ${where} AND task_id = ?`);
    this.number = connection
      .prepare<[string, number], number>(`SELECT count(*) FROM view_parked ${where}`)
      .pluck();
    this.put = connection.prepare(
      `INSERT OR REPLACE INTO view_parked
         (view, generation, task_id, position, revision, event_id, type, error, attempts, parked_at, wanted)
       VALUES (@view, @generation, @task_id, @position, @revision, @event_id, @type, @error, @attempts, @parked_at, @wanted)`,
    );
    this.wish = connection.prepare(`UPDATE view_parked SET wanted = 'retry' ${where}`);
    this.wishOne = connection.prepare(
      `UPDATE view_parked SET wanted = 'retry' ${where} AND task_id = ?`,
    );
    this.removeOne = connection.prepare(`DELETE FROM view_parked ${where} AND task_id = ?`);
    this.removeAll = connection.prepare(`DELETE FROM view_parked ${where}`);
  }

  /** In log order. */
  of({ view, generation }: Build): ParkedTask[] {
    return this.select.all(view, generation);
  }

  count({ view, generation }: Build): number {
    return this.number.get(view, generation) ?? 0;
  }

  has({ view, generation }: Build, taskId: string): boolean {
    return this.selectOne.get(view, generation, taskId) !== undefined;
  }

  park(task: ParkedTask): void {
    this.put.run(task);
  }

  /** Marks one task, or all; answers how many. */
  wantRetry({ view, generation }: Build, taskId?: string): number {
    return taskId === undefined
      ? this.wish.run(view, generation).changes
      : this.wishOne.run(view, generation, taskId).changes;
  }

  unpark({ view, generation, task_id }: ParkedTask): void {
    this.removeOne.run(view, generation, task_id);
  }

  forget({ view, generation }: Build): void {
    this.removeAll.run(view, generation);
  }
}
