import { Injectable } from '@nestjs/common';
import { type WorkerClaim, Workers } from '../../commands/workers.port.js';
import { Clock } from '../../context/index.js';

/** So long a worker that claims no more is remembered. */
const REMEMBERED_MS = 300_000;
const MOST_WORKERS = 10_000;
/** Types remembered of one worker, those it named last. */
const MOST_TYPES = 1_000;

export interface KnownWorker {
  readonly workerId: string;
  readonly actor: string;
  /** Apps whose tasks it may take; all when undefined. */
  readonly apps: readonly string[] | undefined;
  readonly taskTypes: readonly string[];
  readonly waiting: number;
  readonly lastSeenAt: number;
}

interface Entry {
  actor: string;
  apps: readonly string[] | undefined;
  /** When each was last named, the oldest first. */
  readonly types: Map<string, number>;
  waiting: number;
  lastSeenAt: number;
}

/** Workers that claim at this process, in memory, by their id: those seen longest ago first. */
@Injectable()
export class KnownWorkers extends Workers {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly clock: Clock) {
    super();
  }

  seen({ workerId, actor, apps, taskTypes }: WorkerClaim): void {
    const now = this.clock.now();
    const entry = this.entries.get(workerId) ?? { types: new Map<string, number>(), waiting: 0 };
    this.entries.delete(workerId);
    this.entries.set(workerId, Object.assign(entry, { actor, apps, lastSeenAt: now }));
    for (const type of taskTypes) {
      entry.types.delete(type);
      entry.types.set(type, now);
    }
    forgetOldest(entry.types, MOST_TYPES, (at) => at < now - REMEMBERED_MS);
    forgetOldest(
      this.entries,
      MOST_WORKERS,
      ({ lastSeenAt, waiting }) => waiting === 0 && lastSeenAt < now - REMEMBERED_MS,
    );
  }

  async whileWaiting<T>(claim: WorkerClaim, wait: () => T | Promise<T>): Promise<T> {
    const entry = this.entries.get(claim.workerId);
    if (entry) entry.waiting += 1;
    try {
      return await wait();
    } finally {
      if (entry) {
        entry.waiting -= 1;
        entry.lastSeenAt = this.clock.now();
      }
    }
  }

  all(): KnownWorker[] {
    const since = this.clock.now() - REMEMBERED_MS;
    return [...this.entries].flatMap(([workerId, { types, ...entry }]) => {
      if (entry.waiting === 0 && entry.lastSeenAt < since) return [];
      const taskTypes = [...types].flatMap(([type, at]) => (at >= since ? [type] : []));
      return [{ workerId, ...entry, taskTypes }];
    });
  }
}

function forgetOldest<V>(map: Map<string, V>, most: number, isOld: (value: V) => boolean): void {
  for (const [key, value] of map) {
    if (map.size <= most && !isOld(value)) return;
    map.delete(key);
  }
}
