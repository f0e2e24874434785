import { offsetOf, type Position } from '@taskmanager/protocol';
import type { Database, Statement } from '../../database/index.js';
import { LRUCache } from 'lru-cache';
import type { StoredTaskEvent } from '../../events/index.js';
import { evolve, type Task } from '../../task/index.js';
import { lightTask, takePayloads } from './task-row.js';
import type { TaskTableNames } from './task-tables.js';
import type { TaskEntry, TaskWriter } from './task-writer.js';

/** Tasks kept folded: characters of their states; one takes about twice that in memory. */
const KEPT_TASKS = 60_000;
const KEPT_CHARS = 64 * 1024 * 1024;
/** Past this much that waits to be written: tasks, and characters of payloads. */
const FULL_TASKS = 60_000;
const FULL_CHARS = 32 * 1024 * 1024;
/** A state with no payload in it, roughly; what the cache counts before it was ever written. */
const STATE_CHARS = 900;

/** A task's rows lack events before this one; those of other tasks may be whole. */
export class ViewBroken extends Error {
  override readonly name = 'ViewBroken';

  constructor(why: string) {
    super(
      `${why}, so events before this one are missing in the task view. ` +
        'Parked, the task is folded again from the log with tasks.admin.retry_parked_events; if many are, rebuild the view.',
    );
  }
}

/**
 * Tasks in memory: those that changed and wait to be written, each once however many events it had,
 * and the most recent others, so that an event costs no read. True only while nobody else writes.
 */
export class TaskFold {
  private readonly changed = new Map<string, TaskEntry>();
  private readonly kept = new LRUCache<string, TaskEntry>({
    max: KEPT_TASKS,
    maxSize: KEPT_CHARS,
    sizeCalculation: ({ task }) => STATE_CHARS + textOf(task),
  });
  private payloadChars = 0;
  private readonly load: Statement<[string], [seq: number, state: string]>;

  constructor(
    db: Database,
    { task }: TaskTableNames,
    private readonly writer: TaskWriter,
  ) {
    this.load = db.prepare<[string], [number, string]>(
      `SELECT seq, state FROM ${task} WHERE id = ?`,
    );
    this.load.raw();
  }

  get full(): boolean {
    return this.changed.size >= FULL_TASKS || this.payloadChars >= FULL_CHARS;
  }

  /** Rows may hold events up to `ahead` already; those are no news. What it throws left nothing behind. */
  fold(stored: StoredTaskEvent, ahead: Position | undefined): void {
    const { taskId, revision } = stored;
    const entry = this.changed.get(taskId) ?? this.unchanged(taskId);
    if (!entry) {
      this.begin(stored, ahead);
      return;
    }
    if (revision <= entry.task.revision) return;
    if (revision !== entry.task.revision + 1) {
      throw new ViewBroken(`Its row is at revision ${entry.task.revision}`);
    }
    this.take(entry, entry.task, evolve(entry.task, stored));
    this.changed.set(taskId, entry);
  }

  /** The task's last event here, in memory or written; −1 when it has none. */
  revisionOf(taskId: string): number {
    const entry = this.changed.get(taskId) ?? this.unchanged(taskId);
    return entry?.task.revision ?? -1;
  }

  /** Writes until nothing is left (true) or the deadline has passed; at least one row. */
  write(deadline: number): boolean {
    let rows = 0;
    for (const [taskId, entry] of this.changed) {
      this.writer.write(entry);
      this.changed.delete(taskId);
      if (entry.task.status === 'deleted') this.kept.delete(taskId);
      else this.kept.set(taskId, entry);
      if (++rows % 16 === 0 && performance.now() > deadline) break;
    }
    this.writer.groups.writeCounts();
    if (this.changed.size === 0) this.payloadChars = 0;
    return this.changed.size === 0;
  }

  reset(): void {
    this.changed.clear();
    this.kept.clear();
    this.payloadChars = 0;
    this.writer.groups.reset();
  }

  private unchanged(taskId: string): TaskEntry | undefined {
    const kept = this.kept.get(taskId);
    if (kept) return kept;
    const row = this.load.get(taskId);
    if (!row) return undefined;
    const task = lightTask(row[1]);
    return { seq: row[0], task, written: task, texts: undefined };
  }

  private begin(stored: StoredTaskEvent, ahead: Position | undefined): void {
    const { event, metadata, position, taskId } = stored;
    if (event.type !== 'TaskCreated') {
      // A deleted task has no row, and its runner may still say that it has stopped.
      if (metadata.status === 'deleted' || (ahead !== undefined && position <= ahead)) return;
      throw new ViewBroken('There is no row of this task');
    }
    const created = evolve(undefined, stored);
    const entry: TaskEntry = {
      seq: Number(offsetOf(position)),
      task: created,
      written: undefined,
      texts: undefined,
    };
    this.take(entry, undefined, created);
    this.changed.set(taskId, entry);
  }

  private take(entry: TaskEntry, before: Task | undefined, after: Task): void {
    const { task, texts } = takePayloads(before, after);
    entry.task = task;
    if (!texts) return;
    entry.texts = { ...entry.texts, ...texts };
    for (const text of Object.values(texts)) this.payloadChars += text?.length ?? 0;
  }
}

/** The parts of a state that may be long. */
function textOf({ error, message, approval }: Task): number {
  const votes = approval ? approval.votes.length * 200 + approval.approvers.length * 100 : 0;
  return (error?.length ?? 0) + (message?.length ?? 0) + votes;
}
