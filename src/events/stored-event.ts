import type { Position } from '@taskmanager/protocol';
import type { EventMetadata } from './event-metadata.js';
import { EventRegistry, type Stored } from './event-registry.js';
import { CHAIN_START, chainHash, splitHash, withHash } from './hash-chain.js';
import type { TaskEvent } from './task-event.js';
import { type AnyTaskEvent, TASK_EVENT_CLASSES } from './task-events.js';

export const TASK_STREAM_PREFIX = 'task-';
export const taskStream = (taskId: string): string => `${TASK_STREAM_PREFIX}${taskId}`;
export const taskIdOfStream = (stream: string): string => stream.slice(TASK_STREAM_PREFIX.length);

/** Every event of a task, by its stable name. */
export const taskEventRegistry = new EventRegistry<AnyTaskEvent>(TASK_EVENT_CLASSES);

/** An event of a task as it comes out of the log, brought up to the present version. */
export interface StoredTaskEvent extends Stored<AnyTaskEvent> {
  readonly id: string;
  readonly taskId: string;
}

/** The text that the log keeps; the same shape as the event store's own records. */
export interface EventText {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

interface RecordedText extends EventText {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: Position;
}

/** The end of a stream's hash chain: what the next event continues. */
export interface ChainEnd {
  /** −1 before the first event. */
  readonly revision: number;
  readonly hash: string;
}

export const EMPTY_CHAIN: ChainEnd = { revision: -1, hash: CHAIN_START };

/** A stream's end, and the time of its last event. */
export interface DatedChainEnd extends ChainEnd {
  /** Epoch milliseconds; 0 when there is none, or none that can be read. */
  readonly timestamp: number;
}

/**
 * Where a stream ends with this event, whatever somebody has done to it: behind one without a hash the
 * chain begins anew, so that the service goes on; checking the chain names that event.
 */
export function endWith({
  revision,
  metadata,
}: Pick<RecordedText, 'revision' | 'metadata'>): DatedChainEnd {
  const hash = splitHash(metadata)?.hash ?? CHAIN_START;
  let timestamp: unknown;
  try {
    ({ timestamp } = JSON.parse(metadata) as { readonly timestamp?: unknown });
  } catch {
    timestamp = undefined;
  }
  const isReadable = Number.isSafeInteger(timestamp);
  return { revision: Number(revision), hash, timestamp: isReadable ? (timestamp as number) : 0 };
}

/** What the encoder does not add itself. Only an event of a task has what the task then is. */
type OfTask = 'taskType' | 'appName' | 'status' | 'attempt';
type MetadataToWrite = Omit<EventMetadata, 'version' | 'hash' | OfTask> &
  Partial<Pick<EventMetadata, OfTask>>;

/** Puts an event into its stored form and continues the stream's chain with it. */
export function encodeEvent(
  chain: ChainEnd,
  stream: string,
  id: string,
  event: TaskEvent,
  metadata: MetadataToWrite,
): { text: EventText; chain: ChainEnd } {
  const revision = chain.revision + 1;
  const { type, version } = event;
  const data = JSON.stringify(event.data);
  // Written out rather than spread: this runs for every event, and a copy costs as much as the text.
  const bare = JSON.stringify({
    timestamp: metadata.timestamp,
    actor: metadata.actor,
    commandId: metadata.commandId,
    $correlationId: metadata.$correlationId,
    $causationId: metadata.$causationId,
    transport: metadata.transport,
    taskType: metadata.taskType,
    appName: metadata.appName,
    status: metadata.status,
    attempt: metadata.attempt,
    workerId: metadata.workerId,
    version,
  } satisfies Record<Exclude<keyof EventMetadata, 'hash'>, unknown>);
  const hash = chainHash(chain.hash, {
    stream,
    revision: BigInt(revision),
    id,
    type,
    version,
    data,
    metadata: bare,
  });
  return { text: { id, type, data, metadata: withHash(bare, hash) }, chain: { revision, hash } };
}

const DECODED = Symbol('decoded event');

/**
 * Reads an event's stored form. Many readers share one record of the newest events, so the result is
 * kept with the record. Throws UnknownEvent for what a newer release wrote.
 */
export function decodeTaskEvent(record: RecordedText): StoredTaskEvent {
  const memo = record as RecordedText & { [DECODED]?: StoredTaskEvent };
  let stored = memo[DECODED];
  if (!stored) {
    const { id, stream } = record;
    stored = { id, taskId: taskIdOfStream(stream), ...taskEventRegistry.decode(record) };
    memo[DECODED] = stored;
  }
  return stored;
}
