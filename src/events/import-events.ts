import type { Position } from '@taskmanager/protocol';
import type { EventMetadata } from './event-metadata.js';
import { EventRegistry } from './event-registry.js';
import { refusalStream } from './refusal-events.js';
import { taskStream } from './stored-event.js';
import { TaskEvent } from './task-event.js';

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

export interface TaskImportedData {
  readonly taskId: string;
  /** The log that it was exported from: eight hex digits. */
  readonly fromLog: string;
  /** How many there are, in the task's own stream and in that of its refusals. */
  readonly events: number;
  readonly refusals: number;
  /** Hash of the task's last event. */
  readonly head: string;
}

/** A task of another service is here with its whole history, to be read. */
export class TaskImported extends TaskEvent<TaskImportedData> {
  static readonly type = 'TaskImported';
  static readonly version = 1;
  readonly type = TaskImported.type;
  readonly version = TaskImported.version;
}

export const IMPORT_EVENT_CLASSES = [TaskImported] as const;

export const importEventRegistry = new EventRegistry<TaskImported>(IMPORT_EVENT_CLASSES);

/** An event of the imports as it comes out of the log, brought up to the present version. */
export interface StoredImportEvent {
  readonly revision: number;
  readonly position: Position;
  readonly event: TaskImported;
  /** `taskType`, `appName`, `status` and `attempt` are the task's. */
  readonly metadata: EventMetadata;
}

/** Throws UnknownEvent for what a newer release wrote. */
export function decodeImportEvent(record: {
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
  readonly revision: bigint;
  readonly position: Position;
}): StoredImportEvent {
  const metadata = JSON.parse(record.metadata) as EventMetadata;
  const data = JSON.parse(record.data) as object;
  return {
    revision: Number(record.revision),
    position: record.position,
    event: importEventRegistry.revive(record.type, metadata.version, data),
    metadata,
  };
}
