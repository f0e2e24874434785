/** Checks the events of an exported task one after the other, and folds them. Pure. */
import {
  type ExportedEvent,
  mayHappen,
  TASK_ID_PATTERN,
  TASK_STATUSES,
  TASK_TYPE_PATTERN,
} from '@taskmanager/protocol';
import { Refusal } from '../../context/index.js';
import {
  type ChainEnd,
  chainHash,
  EMPTY_CHAIN,
  type EventMetadata,
  importedRefusalStream,
  importedStream,
  refusalEventRegistry,
  refusalStream,
  splitHash,
  taskEventRegistry,
  taskStream,
} from '../../events/index.js';
import { evolve, factsOf, type Task } from '../../task/index.js';
import { extraFieldOf, isOfSize, isTime, oddFieldOfTask } from './task-shape.js';

/** What is here of a task that is being imported. */
export interface ImportedHistory {
  readonly task: Task | undefined;
  /** Where the two chains end. */
  readonly events: ChainEnd;
  readonly refusals: ChainEnd;
}

export const NOTHING_YET: ImportedHistory = {
  task: undefined,
  events: EMPTY_CHAIN,
  refusals: EMPTY_CHAIN,
};

/** One of the two streams of a task's history, and where it lies when it is imported. */
export interface Part {
  readonly chain: 'events' | 'refusals';
  /** The name under which it was written, and hashed. */
  readonly original: string;
  readonly stream: string;
}

/** @param begun how often its import was begun */
export const partsOf = (taskId: string, begun: number): readonly Part[] => [
  { chain: 'events', original: taskStream(taskId), stream: importedStream(taskId, begun) },
  {
    chain: 'refusals',
    original: refusalStream(taskId),
    stream: importedRefusalStream(taskId, begun),
  },
];

/** The history with one more event. @throws Refusal VALIDATION_FAILED that names the event */
export function withEvent(
  history: ImportedHistory,
  taskId: string,
  { chain, original }: Part,
  event: ExportedEvent,
): ImportedHistory {
  const end = history[chain];
  const revision = end.revision + 1;
  if (event.revision !== revision) {
    throw refused(event, `comes where revision ${revision} is due: events are missing before it`);
  }
  const parts = splitHash(event.metadata);
  const data = objectIn(event.data);
  const metadata = objectIn(event.metadata);
  if (!parts || !data || !metadata) {
    throw refused(event, 'is not as a log keeps it: data and metadata are JSON text with a hash');
  }
  if (!isOfSize(event.data, event.metadata, data, metadata)) {
    throw refused(event, 'is larger or nested deeper than any event of a task');
  }
  if (!TASK_ID_PATTERN.test(event.id)) throw refused(event, 'has an id that is no UUID');
  if (!isMetadata(metadata)) throw refused(event, 'lacks metadata that every event has');
  const { version } = metadata;
  const link = { ...event, stream: original, revision: BigInt(revision), version };
  const hash = chainHash(end.hash, { ...link, metadata: parts.metadata });
  if (hash !== parts.hash) {
    throw refused(event, 'does not continue the hash chain: it was altered, or the one before it');
  }
  const after = { ...history, [chain]: { revision, hash } };
  if (chain === 'events') return { ...after, task: folded(history, taskId, event, data, metadata) };
  read(event, () => refusalEventRegistry.revive(event.type, version, data));
  const { task } = history;
  // The audit shows it to whoever may see the app that stands beside it.
  if (task?.appName !== metadata.appName || task.taskType !== metadata.taskType) {
    throw refused(event, 'is of another app or type than the task, whose events come first');
  }
  return after;
}

function folded(
  { task }: ImportedHistory,
  taskId: string,
  exported: ExportedEvent,
  data: object,
  metadata: EventMetadata,
): Task {
  const { type, revision } = exported;
  const event = read(exported, () => taskEventRegistry.revive(type, metadata.version, data));
  if ((event.type === 'TaskCreated') !== (task === undefined)) {
    throw refused(exported, 'stands in the wrong place: TaskCreated comes first, and once');
  }
  if (task && !mayHappen(event.type, factsOf(task))) {
    throw refused(exported, `cannot happen to a task that is ${task.status}`);
  }
  if (metadata.timestamp < (task?.updatedAt ?? 0)) {
    throw refused(exported, 'is older than the event before it');
  }
  const next = read(exported, () => evolve(task, { taskId, revision, event, metadata }));
  const { id, status, taskType, appName, attempt } = next;
  const isSame = status === metadata.status && appName === metadata.appName;
  if (!isSame || taskType !== metadata.taskType || id !== taskId || attempt !== metadata.attempt) {
    throw refused(
      exported,
      'leads to another status, app, type, attempt or id than stands beside it',
    );
  }
  const extra = event.type === 'TaskCreated' ? extraFieldOf(event.data) : undefined;
  const odd = extra ?? oddFieldOfTask(next, task);
  if (odd !== undefined) {
    throw refused(exported, `leads to a task whose ${odd} no event of a task makes`);
  }
  return next;
}

/** What throws here is what the event says, or that a newer release wrote it. */
function read<T>(event: ExportedEvent, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw refused(event, `cannot be read here: ${(error as Error).message.slice(0, 300)}`);
  }
}

/** Only text that JSON.stringify gives back is stored the same by every log. */
function objectIn(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && JSON.stringify(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What readers of histories rely on. */
function isMetadata(value: object): value is EventMetadata {
  const metadata = value as Partial<Record<keyof EventMetadata, unknown>>;
  const { actor, status } = metadata;
  return (
    isTime(metadata.timestamp) &&
    isWhole(metadata.version) &&
    isWhole(metadata.attempt) &&
    isActor(actor) &&
    [metadata.commandId, metadata.$correlationId, metadata.$causationId, metadata.transport].every(
      (text) => typeof text === 'string',
    ) &&
    typeof metadata.appName === 'string' &&
    typeof metadata.taskType === 'string' &&
    TASK_TYPE_PATTERN.test(metadata.taskType) &&
    TASK_STATUSES.some((known) => known === status)
  );
}

function isActor(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { id, roles, verified } = value as Record<string, unknown>;
  const areRoles = Array.isArray(roles) && roles.every((role) => typeof role === 'string');
  return typeof id === 'string' && areRoles && typeof verified === 'boolean';
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** An event of the file as a message to people names it. */
export const describeExported = ({ stream, revision, id, type }: ExportedEvent): string =>
  `${cut(type)} ${cut(id)} (${stream}, revision ${revision})`;

/** Both may be of any length: a file is what somebody sends. */
const cut = (text: string): string => text.slice(0, 64);

/** An event of the file that is not taken. */
function refused(event: ExportedEvent, why: string): Refusal {
  const { stream, revision, id, type } = event;
  return new Refusal(
    'VALIDATION_FAILED',
    `${describeExported(event)} ${why}. Nothing of this piece was written.`,
    { field: 'events', stream, revision, eventId: cut(id), type: cut(type) },
  );
}
