import type { Database, Statement } from '../../database/index.js';
import { nextDueAt, type Task } from '../../task/index.js';
import { columnsOf, foldText, isQueued, sameColumns, searchText, tagsOf } from './task-columns.js';
import { TaskGroups } from './task-groups.js';
import type { TaskTableNames } from './task-tables.js';
import { PAYLOADS, type PayloadTexts } from './task-row.js';

/** A task in memory: what the rows say, and what they are to say. */
export interface TaskEntry {
  /** Position of TaskCreated in the log's own numbers: the row's key. */
  readonly seq: number;
  /** Without payloads. */
  task: Task;
  /** As the rows have it; undefined while there are none. */
  written: Task | undefined;
  /** Payloads to be written. */
  texts: PayloadTexts | undefined;
}

/** A task that workers may claim, from `runAt` on when it has one. */
export interface Queued {
  readonly taskType: string;
  readonly appName: string;
  readonly runAt?: number;
}

type Place = Record<string, string | number>;

/** The statements that change a task's rows; each runs for almost every event, so each is prepared once. */
export class TaskWriter {
  readonly groups: TaskGroups;
  /** What was queued since it was last taken. */
  private queued: Queued[] = [];
  /** Types of which a task was held and no longer is, since it was last taken. */
  private freed = new Set<string>();
  /** The nearest due time written since it was last taken. */
  private dueAt: number | undefined;
  private readonly touch: Statement<[string, number, number]>;
  private readonly touchDue: Statement<[number | null, string, number, number]>;
  private readonly insert: Statement<unknown[]>;
  private readonly update: Statement<unknown[]>;
  private readonly remove: Statement<[number]>[];
  private readonly payload: Statement<unknown[]>;
  private readonly payloadPart: Record<(typeof PAYLOADS)[number], Statement<unknown[]>>;
  private readonly addTag: Statement<[string, number, number, number]>;
  private readonly removeTag: Statement<[string, number, number, number]>;
  private readonly addText: Statement<[number, string]>;
  private readonly removeText: Statement<[number]>;
  private readonly enqueue: Statement<[Place]>;
  private readonly dequeue: Statement<[Place]>;
  private readonly addDue: Statement<[Place]>;
  private readonly removeDue: Statement<[number, number]>;

  constructor(db: Database, names: TaskTableNames) {
    const { task, payload, tag, text, queue, due } = names;
    this.groups = new TaskGroups(db, names);
    this.touch = db.prepare(`UPDATE ${task} SET state = ?, updated_at = ? WHERE seq = ?`);
    this.touchDue = db.prepare(
      `UPDATE ${task} SET due_at = ?, state = ?, updated_at = ? WHERE seq = ?`,
    );
    this.insert = db.prepare(
      `INSERT INTO ${task} (group_id, updated_at, status, completed_at, paused_at, claim_id, due_at, error, state, seq, id, created_at, priority, name)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.update = db.prepare(
      `UPDATE ${task} SET group_id = ?, updated_at = ?, status = ?, completed_at = ?, paused_at = ?, claim_id = ?,
        due_at = ?, error = ?, state = ? WHERE seq = ?`,
    );
    this.remove = [task, payload].map((table) => db.prepare(`DELETE FROM ${table} WHERE seq = ?`));
    this.payload = db.prepare(
      `INSERT OR REPLACE INTO ${payload} (seq, ${PAYLOADS.join(', ')}) VALUES (?, ?, ?, ?, ?)`,
    );
    const part = (column: string) =>
      db.prepare<unknown[]>(
        `INSERT INTO ${payload} (seq, ${column}) VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET ${column} = excluded.${column}`,
      );
    this.payloadPart = {
      data: part('data'),
      input: part('input'),
      result: part('result'),
      checkpoint: part('checkpoint'),
    };
    this.addTag = db.prepare(
      `INSERT INTO ${tag} (tag, group_id, created_at, seq) VALUES (?, ?, ?, ?)`,
    );
    this.removeTag = db.prepare(
      `DELETE FROM ${tag} WHERE tag = ? AND group_id = ? AND created_at = ? AND seq = ?`,
    );
    this.addText = db.prepare(`INSERT INTO ${text} (rowid, text) VALUES (?, ?)`);
    this.removeText = db.prepare(`DELETE FROM ${text} WHERE rowid = ?`);
    this.enqueue = db.prepare(
      `INSERT INTO ${queue} (task_type, rank, created_at, seq, app_name, id) VALUES (@task_type, @rank, @created_at, @seq, @app_name, @id)`,
    );
    this.dequeue = db.prepare(
      `DELETE FROM ${queue} WHERE task_type = @task_type AND rank = @rank AND created_at = @created_at AND seq = @seq`,
    );
    this.addDue = db.prepare(
      `INSERT INTO ${due} (run_at, seq, task_type, rank, created_at, app_name, id)
       VALUES (@run_at, @seq, @task_type, @rank, @created_at, @app_name, @id)`,
    );
    this.removeDue = db.prepare(`DELETE FROM ${due} WHERE run_at = ? AND seq = ?`);
  }

  /** Makes the rows say what the entry says. */
  write(entry: TaskEntry): void {
    const { seq, task, written, texts } = entry;
    // A lease of which begin and end were folded together was one too.
    if (written && !task.leased && (written.leased || written.leaseEpoch !== task.leaseEpoch)) {
      this.freed.add(task.taskType);
    }
    if (task.status === 'deleted') this.delete(entry);
    else if (!written) this.create(entry);
    else if (sameColumns(written, task)) this.touchRow(entry, written);
    else this.change(entry, written);
    if (texts && written && task.status !== 'deleted') {
      for (const name of PAYLOADS) {
        if (texts[name] !== undefined) this.payloadPart[name].run(seq, texts[name]);
      }
    }
    entry.written = task;
    entry.texts = undefined;
  }

  takeQueued(): Queued[] {
    const { queued } = this;
    if (queued.length > 0) this.queued = [];
    return queued;
  }

  takeFreed(): ReadonlySet<string> {
    const { freed } = this;
    if (freed.size > 0) this.freed = new Set();
    return freed;
  }

  /** The nearest due time that was written, epoch milliseconds. */
  takeDueAt(): number | undefined {
    const { dueAt } = this;
    this.dueAt = undefined;
    return dueAt;
  }

  /** Most events of a running task: progress. The index of due times is left alone when it can be. */
  private touchRow({ seq, task }: TaskEntry, written: Task): void {
    const dueAt = nextDueAt(task);
    const state = JSON.stringify(task);
    if (dueAt === nextDueAt(written)) this.touch.run(state, task.updatedAt, seq);
    else this.touchDue.run(this.due(dueAt), state, task.updatedAt, seq);
  }

  /** The column's value; what is nearest is told after the commit. */
  private due(dueAt: number | undefined): number | null {
    if (dueAt === undefined) return null;
    if (this.dueAt === undefined || dueAt < this.dueAt) this.dueAt = dueAt;
    return dueAt;
  }

  private create(entry: TaskEntry): void {
    const { seq, task, texts } = entry;
    const group = this.groups.idOf(task);
    const { id, createdAt, priority, name } = task;
    this.insert.run(...this.changing(task, group), seq, id, createdAt, priority, name);
    this.groups.count(group, 1);
    const payloads = PAYLOADS.map((payload) => texts?.[payload] ?? null);
    if (payloads.some((text) => text !== null)) this.payload.run(seq, ...payloads);
    for (const tag of tagsOf(task)) this.addTag.run(tag, group, createdAt, seq);
    this.addText.run(seq, searchText(task));
    if (isQueued(task)) this.queue(entry);
  }

  private change(entry: TaskEntry, written: Task): void {
    const { seq, task } = entry;
    const [before, after] = [this.groups.idOf(written), this.groups.idOf(task)];
    this.update.run(...this.changing(task, after), seq);
    if (before !== after) {
      this.groups.count(before, -1);
      this.groups.count(after, 1);
    }
    if (before !== after || written.approval !== task.approval) {
      for (const tag of tagsOf(written)) this.removeTag.run(tag, before, task.createdAt, seq);
      for (const tag of tagsOf(task)) this.addTag.run(tag, after, task.createdAt, seq);
    }
    if (foldText(written.error ?? '') !== foldText(task.error ?? '')) {
      this.removeText.run(seq);
      this.addText.run(seq, searchText(task));
    }
    if (isQueued(written) !== isQueued(task)) {
      if (isQueued(task)) this.queue(entry);
      else this.unqueue(seq, written);
    }
  }

  private delete({ seq, written }: TaskEntry): void {
    if (!written) return;
    for (const statement of this.remove) statement.run(seq);
    this.removeText.run(seq);
    const group = this.groups.idOf(written);
    for (const tag of tagsOf(written)) this.removeTag.run(tag, group, written.createdAt, seq);
    if (isQueued(written)) this.unqueue(seq, written);
    this.groups.count(group, -1);
  }

  private queue({ seq, task }: TaskEntry): void {
    const place = queuePlace(seq, task);
    const { taskType, appName, runAt } = task;
    if (runAt !== undefined && runAt > task.updatedAt) {
      this.addDue.run({ run_at: runAt, ...place });
      this.queued.push({ taskType, appName, runAt });
    } else {
      this.enqueue.run(place);
      this.queued.push({ taskType, appName });
    }
  }

  /** Whether it became due meanwhile is the queue's affair: it is taken out of both. */
  private unqueue(seq: number, written: Task): void {
    this.dequeue.run(queuePlace(seq, written));
    if (written.runAt !== undefined) this.removeDue.run(written.runAt, seq);
  }

  /** The columns that may change, in the order of the statements that write them. */
  private changing(task: Task, group: number): readonly (string | number | null)[] {
    const columns = columnsOf(task);
    return [
      group,
      columns.updated_at,
      columns.status,
      columns.completed_at,
      columns.paused_at,
      columns.claim_id,
      this.due(columns.due_at ?? undefined),
      columns.error,
      JSON.stringify(task),
    ];
  }
}

function queuePlace(seq: number, task: Task): Place {
  return {
    seq,
    id: task.id,
    task_type: task.taskType,
    rank: -task.priority,
    created_at: task.createdAt,
    app_name: task.appName,
  };
}
