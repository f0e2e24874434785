import { Refusal } from '../context/index.js';
import type { EventMetadata } from '../events/index.js';

/** `apps`: those whose tasks an actor may see; all when undefined. */
export function maySee(apps: readonly string[] | undefined, appName: string): boolean {
  return apps === undefined || apps.includes(appName);
}

/** The app that stands in an event of a task; nobody's when it cannot be read. */
export function appOf({ metadata }: { readonly metadata: string }): string {
  try {
    const { appName } = JSON.parse(metadata) as Partial<Record<keyof EventMetadata, unknown>>;
    return typeof appName === 'string' ? appName : '';
  } catch {
    return '';
  }
}

export function taskNotFound(id: string): Refusal {
  return new Refusal(
    'TASK_NOT_FOUND',
    `There is no task ${id}, or it was deleted, or it belongs to an app whose tasks you may not see.`,
    { id },
  );
}
