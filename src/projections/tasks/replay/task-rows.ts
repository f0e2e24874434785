import type { Database, Statement } from '../../../database/index.js';
import type { Differences } from '../../../processing/index.js';
import type { Task } from '../../../task/index.js';
import { piecesOf } from '../task-candidates.js';
import { columnsOf, groupOf, isQueued, searchText, tagsOf } from '../task-columns.js';
import { fullTask, PAYLOADS, type StateRow } from '../task-row.js';
import type { TaskTableNames } from '../task-tables.js';

/** Of a text's three-letter pieces so many are looked up. */
const PIECES = 3;

type Value = string | number | null;
type Row = Readonly<Record<string, Value>>;

/** A task's row as it was at one moment. */
export interface TaskRowFound {
  readonly id: string;
  /** Undefined when it cannot be read. */
  readonly task: Task | undefined;
}

/** Reads single tasks out of one build's tables, and looks whether all that lists use agrees with the row. */
export class TaskRows {
  private readonly row: Statement<[number], Row>;
  private readonly seqById: Statement<[string], number>;
  private readonly keys: Statement<[number, number], [seq: number, id: string]>;
  private readonly count: Statement<[], number>;
  private readonly tag: Statement<[string, number, number, number]>;
  private readonly queued: Statement<[string, number, number, number]>;
  private readonly due: Statement<[number, number]>;
  private readonly text: Statement<[number]>;
  private readonly matching: Statement<[number, string]>;

  constructor(db: Database, { task, payload, group, tag, queue, due, text }: TaskTableNames) {
    const payloads = PAYLOADS.map((name) => `p.${name}`).join(', ');
    const groups = ['status', 'task_type', 'app_name', 'run_by', 'persistent', 'mark'];
    this.row = db.prepare(
      `SELECT t.*, ${payloads}, ${groups.map((name) => `g.${name} AS group_${name}`).join(', ')}
       FROM ${task} t LEFT JOIN ${payload} p ON p.seq = t.seq LEFT JOIN "${group}" g ON g.id = t.group_id
       WHERE t.seq = ?`,
    );
    this.seqById = db.prepare<[string], number>(`SELECT seq FROM ${task} WHERE id = ?`).pluck();
    this.keys = db
      .prepare<[number, number], [number, string]>(
        `SELECT seq, id FROM ${task} WHERE seq > ? AND seq <= ? ORDER BY seq`,
      )
      .raw();
    this.count = db.prepare<[], number>(`SELECT coalesce(sum(count), 0) FROM "${group}"`).pluck();
    this.tag = db.prepare(
      `SELECT 1 FROM ${tag} WHERE tag = ? AND group_id = ? AND created_at = ? AND seq = ?`,
    );
    this.queued = db.prepare(
      `SELECT 1 FROM ${queue} WHERE task_type = ? AND rank = ? AND created_at = ? AND seq = ?`,
    );
    this.due = db.prepare(`SELECT 1 FROM ${due} WHERE run_at = ? AND seq = ?`);
    this.text = db.prepare(`SELECT 1 FROM ${text} WHERE rowid = ?`);
    this.matching = db.prepare(`SELECT 1 FROM ${text} WHERE rowid = ? AND ${text} MATCH ?`);
  }

  /** How many there are, by the counters. */
  total(): number {
    return this.count.get() ?? 0;
  }

  seqOf(taskId: string): number | undefined {
    return this.seqById.get(taskId);
  }

  /** The rows in a part of the log, in its order. */
  between(after: number, upTo: number): [seq: number, id: string][] {
    return this.keys.all(after, upTo);
  }

  /** Inside of a transaction, for it reads several tables. */
  find(seq: number, differences: Differences): TaskRowFound | undefined {
    const row = this.row.get(seq);
    if (!row) return undefined;
    const id = String(row['id']);
    let task: Task;
    try {
      const texts = PAYLOADS.map((name) => row[name]);
      task = fullTask([row['state'], ...texts] as StateRow);
      this.checkColumns(row, task, differences);
      this.checkIndexes(row, task, differences);
    } catch (error) {
      differences.add({ text: `The row cannot be read: ${String(error)}`, taskId: id });
      return { id, task: undefined };
    }
    return { id, task };
  }

  private checkColumns(row: Row, task: Task, differences: Differences): void {
    const { id, createdAt, priority, name } = task;
    const { status, taskType, appName, runBy, persistent, mark } = groupOf(task);
    const expected = {
      ...columnsOf(task),
      id,
      created_at: createdAt,
      priority,
      name,
      group_status: status,
      group_task_type: taskType,
      group_app_name: appName,
      group_run_by: runBy,
      group_persistent: persistent,
      group_mark: mark,
    };
    const found: Record<string, Value> = {};
    for (const column of Object.keys(expected)) found[column] = row[column] ?? null;
    differences.between(String(row['id']), found, expected);
  }

  private checkIndexes(row: Row, task: Task, differences: Differences): void {
    const [seq, group] = [Number(row['seq']), Number(row['group_id'])];
    const taskId = String(row['id']);
    const { createdAt, priority, taskType, runAt } = task;
    const lacks = (path: string, what: string) =>
      differences.add({ text: `${what} is missing where lists look`, taskId, path });
    for (const tag of tagsOf(task)) {
      const path = tag.startsWith('label:') ? '/labels' : '/approval';
      if (!this.tag.get(tag, group, createdAt, seq)) lacks(path, tag);
    }
    if (isQueued(task)) {
      const waits = runAt !== undefined && this.due.get(runAt, seq) !== undefined;
      const ready = this.queued.get(taskType, -priority, createdAt, seq) !== undefined;
      if (!waits && !ready) lacks('/status', 'the task');
    }
    const pieces = piecesOf(searchText(task));
    const every = Math.ceil(pieces.length / PIECES);
    const some = pieces.filter((_, n) => n % every === 0).join(' AND ');
    const found = some === '' ? this.text.get(seq) : this.matching.get(seq, some);
    if (!found) lacks('/name', 'its text');
  }
}
