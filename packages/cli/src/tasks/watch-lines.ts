/** A watch where there is no table: a line for each change, for people or for programs. */
import type { TaskInfo, TaskListenerData } from '@taskmanager/client';
import type { Output } from '../output/output.js';
import { printable } from '../output/printable.js';
import { inColourOf } from './status-paint.js';
import type { WatchedTask } from './watched-tasks.js';

/** The event that ended a task as far as the task itself tells it: without its position and its actor. */
export function endingOf(task: TaskInfo) {
  const { id: taskId, taskType, appName, status, revision, progress, error, updatedAt } = task;
  const at = task.completedAt ?? updatedAt;
  return { event: status, taskId, taskType, appName, status, revision, at, progress, error };
}

/** @param task as it is after the event */
export function tell(
  event: Pick<TaskListenerData, 'event' | 'at'>,
  task: WatchedTask,
  output: Output,
): void {
  if (output.json) {
    output.record(event);
    return;
  }
  const status = inColourOf(task.status, task.status, output);
  const name = printable(task.name ?? task.taskType);
  const said = task.error ?? task.message;
  const why = said === undefined ? '' : `: ${printable(said)}`;
  const what = event.event === task.status ? '' : ` (${event.event})`;
  output.line(
    `${output.time(event.at)}  ${task.id}  ${name}  ${status}${what} ${Math.floor(task.progress)} %${why}`,
  );
}
