import { Refusal } from '../context/index.js';
import type { ProgressUpdatedData } from '../events/index.js';
import type { Task } from '../task/index.js';
import type { UpdateTaskProgress } from './update-task-progress.command.js';

/** What a progress message says, checked: items give the percentage, and win over one given beside them. */
export function reported(command: UpdateTaskProgress): ProgressUpdatedData {
  const { completedItems, totalItems, progress, message } = command;
  const text = message === undefined ? {} : { message };
  if (completedItems === undefined && totalItems === undefined) {
    if (progress === undefined) {
      throw invalid('progress', 'Say how far it is: completedItems and totalItems, or progress.');
    }
    return { progress, ...text };
  }
  if (completedItems === undefined || totalItems === undefined) {
    const missing = completedItems === undefined ? 'completedItems' : 'totalItems';
    throw invalid(missing, 'completedItems and totalItems go together.');
  }
  if (completedItems > totalItems) {
    throw invalid('completedItems', `${completedItems} of ${totalItems} items cannot be done.`);
  }
  const percent = totalItems === 0 ? 0 : Math.floor((100 * completedItems) / totalItems);
  return { progress: percent, completedItems, totalItems, ...text };
}

/**
 * Within one attempt progress only rises: fewer items of the same total, or a lower bare percentage, is
 * accepted and says nothing; neither does the same again, unless it keeps a lease alive.
 */
export function saysNothingNew(task: Task, next: ProgressUpdatedData): boolean {
  const { completedItems, totalItems, progress, message } = next;
  if (completedItems !== undefined) {
    if (totalItems !== task.totalItems || task.completedItems === undefined) return false;
    if (completedItems !== task.completedItems) return completedItems < task.completedItems;
  } else if (progress !== task.progress) {
    return progress < task.progress;
  }
  // The same items after a bare percentage are news: they give another one.
  if (progress !== task.progress || task.leased) return false;
  return message === undefined || message === task.message;
}

function invalid(field: string, message: string): Refusal {
  return new Refusal('VALIDATION_FAILED', message, { field });
}
