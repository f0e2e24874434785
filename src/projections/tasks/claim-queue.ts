import type { Database, Statement } from '../../database/index.js';
import type { FoundTask } from './task-reader.js';
import type { TaskTableNames } from './task-tables.js';
import type { Queued } from './task-writer.js';

/** Tasks that become claimable in one go; more than that follow with the next claims. */
const DUE_A_CLAIM = 1_000;
/** Tasks before another one are not counted beyond. */
const MOST_BEFORE = 10_000;

type DueRow = [runAt: number, seq: number, taskType: string, appName: string];
type QueueRow = [rank: number, createdAt: number, seq: number, appName: string, id: string];

export interface ClaimSearch {
  readonly taskTypes: readonly string[];
  readonly apps?: readonly string[];
  /** Epoch milliseconds. */
  readonly now: number;
  readonly limit: number;
}

/**
 * Which tasks workers may claim, by priority, then age. Tasks whose runAt is to come lie apart, by
 * time, so that a million of them cost a claim nothing; a claim brings over those whose time has come.
 */
export class ClaimQueue {
  private readonly nextDue: Statement<[number, number], DueRow>;
  private readonly bringOver: Statement<[number, number]>;
  private readonly removeDue: Statement<[number, number]>;
  private readonly firstDue: Statement<[], number | null>;
  private readonly some: Statement<[string]>;
  private readonly page: Statement<unknown[], QueueRow>;
  private readonly before: Statement<[string, number, number, number, number], number>;

  constructor(
    private readonly db: Database,
    { queue, due }: TaskTableNames,
    private readonly queued: (tasks: readonly Queued[]) => void,
  ) {
    this.nextDue = db
      .prepare<[number, number], DueRow>(
        `SELECT run_at, seq, task_type, app_name FROM ${due} WHERE run_at <= ? ORDER BY run_at, seq LIMIT ?`,
      )
      .raw();
    this.bringOver = db.prepare(
      `INSERT OR IGNORE INTO ${queue} (task_type, rank, created_at, seq, app_name, id)
       SELECT task_type, rank, created_at, seq, app_name, id FROM ${due} WHERE run_at = ? AND seq = ?`,
    );
    this.removeDue = db.prepare(`DELETE FROM ${due} WHERE run_at = ? AND seq = ?`);
    this.firstDue = db.prepare<[], number | null>(`SELECT min(run_at) FROM ${due}`).pluck();
    this.some = db.prepare(`SELECT 1 FROM ${queue} WHERE task_type = ? LIMIT 1`);
    const columns = 'rank, created_at, seq, app_name, id';
    const place = '(rank, created_at, seq) > (?, ?, ?)';
    this.page = db
      .prepare<unknown[], QueueRow>(
        `SELECT ${columns} FROM ${queue} WHERE task_type = ? AND ${place} ORDER BY rank, created_at, seq LIMIT ?`,
      )
      .raw();
    this.before = db
      .prepare<[string, number, number, number, number], number>(
        `SELECT count(*) FROM (SELECT 1 FROM ${queue} WHERE task_type = ? AND (rank, created_at, seq) < (?, ?, ?) LIMIT ?)`,
      )
      .pluck();
  }

  /** How many tasks of its type lie ready to be given out before this one, 10,000 at most. */
  countBefore({ seq, task }: FoundTask): number {
    return this.before.get(task.taskType, -task.priority, task.createdAt, seq, MOST_BEFORE) ?? 0;
  }

  /** At most `limit` ids. */
  claimable({ taskTypes, apps, now, limit }: ClaimSearch): string[] {
    this.promote(now);
    const heads = [...new Set(taskTypes)].flatMap((type) => this.ofType(type, apps, limit));
    heads.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    return heads.slice(0, limit).map((row) => row[4]);
  }

  /** Whether something of these types lies ready, whoever may take it. */
  hasReady(taskTypes: readonly string[]): boolean {
    return taskTypes.some((type) => this.some.get(type) !== undefined);
  }

  ready(taskType: string, most: number, apps?: readonly string[]): number {
    return this.ofType(taskType, apps, most).length;
  }

  /** When the next task becomes claimable, epoch milliseconds. */
  nextRunAt(): number | undefined {
    return this.firstDue.get() ?? undefined;
  }

  /** Brings over tasks whose time has come, and tells those who wait for them. */
  promote(now: number): void {
    const due = this.nextDue.all(now, DUE_A_CLAIM);
    if (due.length === 0) return;
    this.db
      .transaction(() => {
        for (const [runAt, seq] of due) {
          this.bringOver.run(runAt, seq);
          this.removeDue.run(runAt, seq);
        }
      })
      .immediate();
    this.queued(due.map(([, , taskType, appName]) => ({ taskType, appName })));
  }

  private ofType(type: string, apps: readonly string[] | undefined, limit: number): QueueRow[] {
    const found: QueueRow[] = [];
    let place: [number, number, number] = [Number.MIN_SAFE_INTEGER, 0, 0];
    for (;;) {
      const rows = this.page.all(type, ...place, limit);
      for (const row of rows) if (!apps || apps.includes(row[3])) found.push(row);
      const last = rows.at(-1);
      if (!last || rows.length < limit || found.length >= limit) return found.slice(0, limit);
      place = [last[0], last[1], last[2]];
    }
  }
}
