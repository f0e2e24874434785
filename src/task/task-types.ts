import type { StoredTaskTypeEvent } from '../events/index.js';

/** What holds for all tasks of a type: set by admins, heeded by claims. */
export interface TaskTypeRule {
  readonly taskType: string;
  /** Workers get no task of it. `at`: epoch milliseconds. */
  readonly paused?: { readonly by: string; readonly at: number; readonly reason?: string };
  /** How many tasks of it workers may hold at once. */
  readonly maxRunning?: number;
}

/** The rule after the event; undefined when the type is a type like any other again. */
export function evolveTaskType(
  before: TaskTypeRule | undefined,
  { event, metadata }: StoredTaskTypeEvent,
): TaskTypeRule | undefined {
  const { taskType, reason } = event.data;
  const { paused, maxRunning } = before ?? {};
  switch (event.type) {
    case 'TaskTypePaused': {
      const { timestamp: at, actor } = metadata;
      return ruleOf(
        taskType,
        { by: actor.id, at, ...(reason !== undefined && { reason }) },
        maxRunning,
      );
    }
    case 'TaskTypeResumed':
      return ruleOf(taskType, undefined, maxRunning);
    case 'TaskTypeLimited':
      return ruleOf(taskType, paused, event.data.maxRunning ?? undefined);
  }
}

function ruleOf(
  taskType: string,
  paused: TaskTypeRule['paused'],
  maxRunning: number | undefined,
): TaskTypeRule | undefined {
  if (!paused && maxRunning === undefined) return undefined;
  return { taskType, ...(paused && { paused }), ...(maxRunning !== undefined && { maxRunning }) };
}
