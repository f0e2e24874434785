import { offsetOf, type Json, type Position } from '@taskmanager/protocol';
import type { ViewsDatabase } from '../../../database/index.js';
import type { EventLog, RecordedEvent } from '../../../event-store/index.js';
import type {
  ComparedBuild,
  Differences,
  EventFailed,
  ReplayWork,
} from '../../../processing/index.js';
import type { Task } from '../../../task/index.js';
import { foldStream } from './fold-stream.js';
import type { TaskRowFound, TaskRows } from './task-rows.js';

/** How one task was found to be. */
export interface CheckedTask {
  readonly events: number;
  readonly failed: EventFailed | undefined;
  readonly hasRow: boolean;
}

/** A row, and how far the view was when it was read. */
interface Moment {
  readonly row: TaskRowFound | undefined;
  readonly position: Position | null;
  /** The rows hold nothing beyond. */
  readonly furthest: Position | null;
  readonly isParked: boolean;
}

/** Compares one task's row with a fold of its events, at the row's own revision: the view moves on meanwhile. */
export class TaskCheck {
  constructor(
    private readonly database: ViewsDatabase,
    private readonly rows: TaskRows,
    private readonly build: ComparedBuild,
    private readonly log: EventLog,
    private readonly work: ReplayWork,
    private readonly differences: Differences,
  ) {}

  /**
   * @param seq where the row lies, when there should be one
   * @param until events up to here are folded in any case
   */
  async check(taskId: string, seq: number, until: Position): Promise<CheckedTask> {
    const { differences } = this;
    const moment = this.look(taskId, seq);
    const { row, position, furthest, isParked } = moment;
    const revision = row?.task?.revision ?? -1;
    const last = [until, position ?? until, furthest ?? until].sort().at(-1) ?? until;
    let next: RecordedEvent | undefined;
    let isDeleted = false;
    let created: Position | undefined;
    const { events, failed, task } = await foldStream(
      this.log,
      taskId,
      (record) => {
        created ??= record.position;
        if (record.revision > revision) next ??= record;
        return record.revision <= revision || record.position <= last;
      },
      (state) => {
        if (row && state.revision === revision) this.compare(row, state);
        // What its runner says afterwards changes nothing.
        isDeleted ||= state.status === 'deleted';
      },
      this.work,
    );
    if (row && revision > (failed?.event.revision ?? Infinity)) {
      differences.add({ text: `The log holds what cannot be folded: ${failed?.message}`, taskId });
    } else if (row && !failed && revision > (task?.revision ?? -1)) {
      const log = task?.revision ?? -1;
      differences.between(taskId, { revision }, { revision: log });
    }
    const covers = (at: Position | undefined) =>
      at !== undefined && position !== null && at <= position && !isParked;
    if (row && covers(next?.position)) {
      differences.add({
        text: `The row stays behind: it lacks ${next?.type} (revision ${next?.revision})`,
        taskId,
        path: '/revision',
        view: revision,
        log: Number(next?.revision),
      });
    } else if (!row && !isDeleted && covers(created)) {
      differences.add({ text: 'The row is missing', taskId });
    }
    return { events, failed, hasRow: row !== undefined };
  }

  private look(taskId: string, seq: number): Moment {
    return this.database.connection
      .transaction(() => {
        const { position, ahead } = this.build.reached();
        const row = this.rows.find(seq, this.differences);
        if (row && row.id !== taskId) {
          this.differences.between(taskId, { id: row.id }, { id: taskId });
        }
        const furthest = ahead !== null && ahead > (position ?? '') ? ahead : position;
        return { row, position, furthest, isParked: this.build.isParked(taskId) };
      })
      .deferred();
  }

  private compare({ id, task }: TaskRowFound, folded: Task): void {
    this.differences.between(id, asRow(task), asRow(folded));
  }
}

export const seqOf = (created: Position): number => Number(offsetOf(created));

/** What a vote would complete the task with is no part of a row: no query shows it. */
function asRow(task: Task | undefined): Json {
  const approval = task?.approval && { ...task.approval, result: undefined };
  return JSON.parse(JSON.stringify({ ...task, approval })) as Json;
}
