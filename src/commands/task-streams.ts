import { Injectable, Logger } from '@nestjs/common';
import type { Position } from '@taskmanager/protocol';
import { LRUCache } from 'lru-cache';
import { EventLog } from '../event-store/index.js';
import {
  type ChainEnd,
  EMPTY_CHAIN,
  type StoredTaskEvent,
  decodeTaskEvent,
  taskStream,
} from '../events/index.js';
import { TASK_STATE_VERSION, type Task, evolve } from '../task/index.js';
import { RememberedCommands } from './remembered-commands.js';

/** A task's stream as far as it was read: its folded state, where its hash chain ends, whom to answer again. */
export interface TaskStream {
  readonly task: Task | undefined;
  readonly chain: ChainEnd;
  /** Of the last event; undefined for a stream without events. */
  readonly position: Position | undefined;
  readonly remembered: RememberedCommands;
  /** Of the snapshot last written; −1 for none. */
  readonly snapshotAt: number;
}

/** How many events may lie behind the last snapshot before the next one is written. */
const SNAPSHOT_EVERY = 256;
const PAGE = 1_000;
/** The cache's bounds: streams, and roughly bytes. */
const MAX_STREAMS = 20_000;
const MAX_BYTES = 128 * 1024 * 1024;

interface SnapshotState {
  readonly task: Task;
  readonly hash: string;
  readonly position: Position;
  readonly remembered: readonly (readonly [string, number])[];
}

/**
 * Task streams, read from the log and cached by revision. The cache is never truth: an append names the
 * exact revision, and a conflict reads the rest of the stream.
 */
@Injectable()
export class TaskStreams {
  private readonly logger = new Logger(TaskStreams.name);
  private readonly cache = new LRUCache<string, TaskStream>({
    max: MAX_STREAMS,
    maxSize: MAX_BYTES,
    sizeCalculation: roughBytes,
  });

  constructor(private readonly log: EventLog) {}

  cached(taskId: string): TaskStream | undefined {
    return this.cache.get(taskId);
  }

  /** The stream up to its end in the log. */
  async read(taskId: string): Promise<TaskStream> {
    let stream = this.cache.get(taskId) ?? (await this.fromSnapshot(taskId));
    const name = taskStream(taskId);
    for (;;) {
      const from = BigInt(stream.chain.revision + 1);
      const page = await this.log.readStream(name, { from, limit: PAGE });
      if (page.length > 0) stream = fold(stream, page.map(decodeTaskEvent));
      if (page.length < PAGE) break;
    }
    if (stream.task) this.cache.set(taskId, stream);
    return stream;
  }

  /** What was just appended is known without reading. */
  keep(taskId: string, stream: TaskStream): void {
    if (stream.chain.revision - stream.snapshotAt < SNAPSHOT_EVERY) {
      this.cache.set(taskId, stream);
      return;
    }
    this.cache.set(taskId, { ...stream, snapshotAt: stream.chain.revision });
    this.writeSnapshot(taskId, stream);
  }

  forget(taskId: string): void {
    this.cache.delete(taskId);
  }

  private async fromSnapshot(taskId: string): Promise<TaskStream> {
    const snapshot = await this.log.readSnapshot(taskStream(taskId));
    if (snapshot?.version !== TASK_STATE_VERSION) return emptyStream();
    const state = JSON.parse(snapshot.state) as SnapshotState;
    const revision = Number(snapshot.revision);
    return {
      task: state.task,
      chain: { revision, hash: state.hash },
      position: state.position,
      remembered: new RememberedCommands(state.remembered),
      snapshotAt: revision,
    };
  }

  /** Nobody waits for a snapshot, and without it a stream is only read from further back. */
  private writeSnapshot(taskId: string, { task, chain, position, remembered }: TaskStream): void {
    if (!task || position === undefined) return;
    const state: SnapshotState = {
      task,
      hash: chain.hash,
      position,
      remembered: remembered.entries(),
    };
    this.log
      .writeSnapshot(taskStream(taskId), {
        revision: BigInt(chain.revision),
        version: TASK_STATE_VERSION,
        state: JSON.stringify(state),
      })
      .catch((error: unknown) => {
        this.logger.warn(
          `No snapshot of task ${taskId} at revision ${chain.revision}: ${String(error)}`,
        );
      });
  }
}

export function emptyStream(): TaskStream {
  return {
    task: undefined,
    chain: EMPTY_CHAIN,
    position: undefined,
    remembered: new RememberedCommands(),
    snapshotAt: -1,
  };
}

function fold(stream: TaskStream, events: readonly StoredTaskEvent[]): TaskStream {
  let { task, chain, position } = stream;
  for (const event of events) {
    task = evolve(task, event);
    chain = { revision: event.revision, hash: event.metadata.hash };
    position = event.position;
    stream.remembered.remember(event.metadata.commandId, event.revision);
  }
  return { ...stream, task, chain, position };
}

/** What an entry weighs, closely enough to bound the cache: a state, its ids, its payloads as text. */
function roughBytes({ task, remembered }: TaskStream): number {
  return 2_500 + remembered.size * 130 + payloadBytes(task);
}

const weights = new WeakMap<object, number>();

/** Payloads are weighed once: the same object stays in the state until it is replaced. */
function payloadBytes(task: Task | undefined): number {
  let bytes = 0;
  for (const payload of [task?.data, task?.input, task?.result, task?.checkpoint]) {
    if (typeof payload === 'string') bytes += payload.length * 2;
    if (typeof payload !== 'object' || payload === null) continue;
    let weight = weights.get(payload);
    if (weight === undefined) {
      weight = JSON.stringify(payload).length * 3;
      weights.set(payload, weight);
    }
    bytes += weight;
  }
  return bytes;
}
