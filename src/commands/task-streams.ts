import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { EventLog, LogUnavailable } from '../event-store/index.js';
import { decodeTaskEvent, taskStream } from '../events/index.js';
import type { Task } from '../task/index.js';
import {
  emptyStream,
  foldStream,
  readSnapshot,
  SNAPSHOT_EVERY,
  snapshotOf,
  type TaskStream,
} from './task-snapshot.js';

const PAGE = 1_000;
/** The cache's bounds: streams, and roughly bytes. */
const MAX_STREAMS = 20_000;
const MAX_BYTES = 128 * 1024 * 1024;

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
      if (page.length > 0) stream = foldStream(stream, page.map(decodeTaskEvent));
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
    try {
      return (await readSnapshot(this.log, taskStream(taskId))) ?? emptyStream();
    } catch (error) {
      if (error instanceof LogUnavailable) throw error;
      this.logger.warn(`The snapshot of task ${taskId} is not used: ${(error as Error).message}`);
      return emptyStream();
    }
  }

  /** Nobody waits for a snapshot, and without it a stream is only read from further back. */
  private writeSnapshot(taskId: string, stream: TaskStream): void {
    const snapshot = snapshotOf(stream);
    if (!snapshot) return;
    this.log.writeSnapshot(taskStream(taskId), snapshot).catch((error: unknown) => {
      this.logger.warn(
        `No snapshot of task ${taskId} at revision ${snapshot.revision}: ${String(error)}`,
      );
    });
  }
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
