import type { Database, Statement } from '../../database/index.js';
import type { DueTask, TimerPlace } from '../../processing/index.js';
import { type Task, timersOf } from '../../task/index.js';
import type { TaskTableNames } from './task-tables.js';

type Row = [dueAt: number, seq: number, state: string];

/** A task with its nearest timer, as the row has it. */
export interface TimedTask extends TimerPlace {
  /** Without payloads. */
  readonly task: Task;
}

const FIRST: TimerPlace = { dueAt: Number.MIN_SAFE_INTEGER, seq: -1 };

/** The tasks of one generation that wait for a time, in the order of the index on it. */
export class TaskTimers {
  private readonly firstAt: Statement<[number, number], number>;
  private readonly firstBehind: Statement<[number], number>;
  private readonly restAt: Statement<[number, number, number], Row>;
  private readonly restBehind: Statement<[number, number, number], Row>;
  private readonly count: Statement<[number, number], number>;

  constructor(db: Database, { task }: TaskTableNames) {
    // Two seeks each: SQLite uses an index only for the first half of `(due_at, seq) > (?, ?)`.
    const first = `SELECT due_at FROM ${task} WHERE`;
    this.firstAt = db.prepare<[number, number], number>(
      `${first} due_at = ? AND seq > ? ORDER BY seq LIMIT 1`,
    );
    this.firstBehind = db.prepare<[number], number>(
      `${first} due_at > ? ORDER BY due_at, seq LIMIT 1`,
    );
    const rows = `SELECT due_at, seq, state FROM ${task} WHERE`;
    this.restAt = db.prepare<[number, number, number], Row>(
      `${rows} due_at = ? AND seq > ? ORDER BY seq LIMIT ?`,
    );
    this.restBehind = db.prepare<[number, number, number], Row>(
      `${rows} due_at > ? AND due_at <= ? ORDER BY due_at, seq LIMIT ?`,
    );
    this.count = db.prepare<[number, number], number>(
      `SELECT count(*) FROM (SELECT 1 FROM ${task} WHERE due_at <= ? LIMIT ?)`,
    );
    for (const statement of [this.firstAt, this.firstBehind, this.count]) statement.pluck();
    for (const statement of [this.restAt, this.restBehind]) statement.raw();
  }

  nearest({ dueAt, seq } = FIRST): number | undefined {
    return this.firstAt.get(dueAt, seq) ?? this.firstBehind.get(dueAt);
  }

  countDue(now: number, limit: number): number {
    return this.count.get(now, limit) ?? 0;
  }

  /** Tasks whose nearest timer is due at or before `until`, in order. */
  page(until: number, limit: number, { dueAt, seq } = FIRST): TimedTask[] {
    const rows = dueAt > until ? [] : this.restAt.all(dueAt, seq, limit);
    if (rows.length < limit) rows.push(...this.restBehind.all(dueAt, until, limit - rows.length));
    return rows.map((row) => ({ dueAt: row[0], seq: row[1], task: JSON.parse(row[2]) as Task }));
  }

  due(now: number, limit: number, after?: TimerPlace): DueTask[] {
    return this.page(now, limit, after).map(({ dueAt, seq, task }) => {
      const { id: taskId, revision, attempt, leaseEpoch, approval } = task;
      const about = {
        taskId,
        revision,
        attempt,
        ...(leaseEpoch !== undefined && { leaseEpoch }),
        ...(approval && { requestedAt: approval.requestedAt }),
      };
      const timers = timersOf(task).filter((timer) => timer.dueAt <= now);
      return { dueAt, seq, taskId, revision, timers: timers.map((one) => ({ ...about, ...one })) };
    });
  }
}
