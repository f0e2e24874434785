import { Refusal } from '../context/index.js';

/** `apps`: those whose tasks an actor may see; all when undefined. */
export function maySee(apps: readonly string[] | undefined, appName: string): boolean {
  return apps === undefined || apps.includes(appName);
}

export function taskNotFound(id: string): Refusal {
  return new Refusal(
    'TASK_NOT_FOUND',
    `There is no task ${id}, or it was deleted, or it belongs to an app whose tasks you may not see.`,
    { id },
  );
}
