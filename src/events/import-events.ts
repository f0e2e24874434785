import { refusalStream } from './refusal-events.js';
import { taskStream } from './stored-event.js';

/** One stream for what was brought from other services, with a hash chain of its own (ADR 34). */
export const IMPORTS_STREAM = 'imports';

const IMPORTED = 'imported-';
const IMPORTED_REFUSALS = 'imported-refused-';

/** Where the events of a task lie that was brought from another service, as they lay there. */
export const importedStream = (taskId: string): string => `${IMPORTED}${taskId}`;
export const importedRefusalStream = (taskId: string): string => `${IMPORTED_REFUSALS}${taskId}`;

/**
 * The name under which the hashes of a stream are taken: its own, but for imported events, which keep
 * the hashes that they were written with.
 */
export function chainedName(stream: string): string {
  if (stream.startsWith(IMPORTED_REFUSALS)) {
    return refusalStream(stream.slice(IMPORTED_REFUSALS.length));
  }
  return stream.startsWith(IMPORTED) ? taskStream(stream.slice(IMPORTED.length)) : stream;
}
