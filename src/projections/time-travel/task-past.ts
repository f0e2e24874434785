import { setImmediate } from 'node:timers/promises';
import type { TaskInfo, TaskPoint } from '@taskmanager/protocol';
import { Refusal } from '../../context/index.js';
import { describeEvent, type RecordedEvent } from '../../event-store/index.js';
import { decodeTaskEvent, type StoredTaskEvent } from '../../events/index.js';
import { evolve, type Task, toTaskInfo } from '../../task/index.js';
import { originOf, type TaskHistories, type TaskHistory } from '../history/task-histories.js';
import { maySee, taskNotFound } from '../visibility.js';
import type { NamedPoint } from './task-point.js';

/** The end of the task's history: as it is now. */
export const NOW: NamedPoint = {};

/**
 * The task as it was at each of the points, folded from the log by the one fold there is; a deleted one
 * too. Reads no further than the last point.
 * @param apps those whose tasks may be seen; all when undefined
 * @throws Refusal TASK_NOT_FOUND when there is no such task, or there was none yet; VALIDATION_FAILED for
 *   a revision that it does not have; INTERNAL when an event up to there was made unreadable
 */
export async function tasksAt(
  histories: TaskHistories,
  id: string,
  points: readonly NamedPoint[],
  apps: readonly string[] | undefined,
): Promise<readonly TaskInfo[]> {
  const history = await histories.find(id);
  if (!history || !maySee(apps, history.appName)) throw taskNotFound(id);
  const states = points.map((): Task | undefined => undefined);
  let task: Task | undefined;
  for await (const record of eventsOf(history)) {
    if (points.every(({ revision }) => revision !== undefined && record.revision > revision)) break;
    const stored = decoded(record);
    task = evolve(task, stored);
    let wanted = false;
    for (const [index, point] of points.entries()) {
      if (!covers(point, stored)) continue;
      states[index] = task;
      wanted = true;
    }
    if (!wanted) break;
  }
  if (!task) throw taskNotFound(id);
  const { createdAt, revision } = task;
  return points.map((point, index) => {
    const state = states[index];
    if (!state) throw notYet(id, createdAt);
    if (point.revision !== undefined && state.revision !== point.revision) {
      throw noSuchRevision(id, point, revision);
    }
    const { imported } = history;
    return { ...toTaskInfo(state), ...(imported && { imported: originOf(imported) }) };
  });
}

async function* eventsOf(history: TaskHistory): AsyncGenerator<RecordedEvent, void> {
  for await (const page of history.pages()) {
    yield* page;
    // A long life is folded in pieces: others have their turn in between.
    await setImmediate();
  }
}

function decoded(record: RecordedEvent): StoredTaskEvent {
  try {
    return decodeTaskEvent(record);
  } catch {
    throw new Refusal(
      'INTERNAL',
      `${describeEvent(record)} cannot be read, so the task is known up to the event before it; verify_history says what is wrong.`,
      { revision: Number(record.revision), eventId: record.id },
    );
  }
}

function covers({ revision, at }: TaskPoint, stored: StoredTaskEvent): boolean {
  if (revision !== undefined) return stored.revision <= revision;
  return at === undefined || stored.metadata.timestamp <= at;
}

const notYet = (id: string, createdAt: number): Refusal =>
  new Refusal(
    'TASK_NOT_FOUND',
    `Task ${id} was not there yet: it was created at ${new Date(createdAt).toISOString()}.`,
    { id, createdAt },
  );

const noSuchRevision = (id: string, { revision, field }: NamedPoint, last: number): Refusal =>
  new Refusal('VALIDATION_FAILED', `Task ${id} has revisions 0 to ${last}, not ${revision}.`, {
    field,
    last,
  });
