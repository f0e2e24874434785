import { EventRegistry, type Stored } from './event-registry.js';
import { refusalStream } from './refusal-events.js';
import { taskStream } from './stored-event.js';
import { TaskEvent } from './task-event.js';

/** One stream for what was brought from other services, with a hash chain of its own (ADR 34). */
export const IMPORTS_STREAM = 'imports';

const IMPORTED = 'imported-';
const IMPORTED_REFUSALS = 'imported-refused-';

/** An import that is begun anew has streams of its own: what lay there before stays as it is. */
const PLACE = /\.\d+$/;
const placeOf = (stream: string, begun: number): string =>
  begun > 1 ? `${stream}.${begun}` : stream;

/**
 * Where the events of a task lie that was brought from another service, as they lay there.
 * @param begun how often its import was begun
 */
export const importedStream = (taskId: string, begun: number): string =>
  placeOf(`${IMPORTED}${taskId}`, begun);
export const importedRefusalStream = (taskId: string, begun: number): string =>
  placeOf(`${IMPORTED_REFUSALS}${taskId}`, begun);

/**
 * The name under which the hashes of a stream are taken: its own, but for imported events, which keep
 * the hashes that they were written with.
 */
export function chainedName(stream: string): string {
  if (!stream.startsWith(IMPORTED)) return stream;
  const original = stream.replace(PLACE, '');
  return original.startsWith(IMPORTED_REFUSALS)
    ? refusalStream(original.slice(IMPORTED_REFUSALS.length))
    : taskStream(original.slice(IMPORTED.length));
}

const OF_A_TASK = /^(?:imported-)?(?:refused-|task-)?([0-9a-f-]{36})(?:\.\d+)?$/;

/** The task whose history or refusals lie in a stream, imported or not; undefined for other streams. */
export const taskIdOfAny = (stream: string): string | undefined => OF_A_TASK.exec(stream)?.[1];

export interface TaskImportBegunData {
  readonly taskId: string;
  /** The log that it was exported from, as the sender says: eight hex digits. */
  readonly fromLog: string;
}

/** Pieces of a task of another service come; what came of one that was begun before counts no more. */
export class TaskImportBegun extends TaskEvent<TaskImportBegunData> {
  static readonly type = 'TaskImportBegun';
  static readonly version = 1;
  readonly type = TaskImportBegun.type;
  readonly version = TaskImportBegun.version;
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

export const IMPORT_EVENT_CLASSES = [TaskImportBegun, TaskImported] as const;

export type AnyImportEvent = InstanceType<(typeof IMPORT_EVENT_CLASSES)[number]>;

export const importEventRegistry = new EventRegistry<AnyImportEvent>(IMPORT_EVENT_CLASSES);

/** `taskType`, `appName`, `status` and `attempt` beside an event are the task's; TaskImportBegun has none. */
export type StoredImportEvent = Stored<AnyImportEvent>;
