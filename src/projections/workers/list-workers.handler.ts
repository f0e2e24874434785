import { setImmediate as nextTurn } from 'node:timers/promises';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { type HeldTask, LIMITS, type WorkerInfo, type WorkersPage } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import type { Task } from '../../task/index.js';
import { pageByName } from '../page-by-name.js';
import { FreshTasks } from '../tasks/task-freshness.js';
import { maySee } from '../visibility.js';
import { KnownWorkers } from './known-workers.js';
import { ListWorkers } from './list-workers.query.js';

/** Tasks under a lease that one question looks at, the oldest first. */
const MOST_HELD = 10_000;
/** Parsing so many rows holds the event loop for some milliseconds. */
const ROWS_A_TURN = 250;
/** Tasks that are named of one worker. */
const MOST_NAMED = 100;

/** An actor with `apps` sees their tasks only, and only workers that may take or hold one of them. */
@QueryHandler(ListWorkers)
export class ListWorkersHandler implements IQueryHandler<ListWorkers, WorkersPage> {
  constructor(
    private readonly workers: KnownWorkers,
    private readonly fresh: FreshTasks,
  ) {}

  async execute(query: ListWorkers): Promise<WorkersPage> {
    const { apps } = queryContextOf(query);
    const { taskTypes, cursor, limit = LIMITS.listPageDefault } = query;
    const { held, more } = await this.held(query);
    const known = this.workers.all().filter((worker) => {
      const sees = !worker.apps || worker.apps.some((app) => maySee(apps, app));
      return sees && (!taskTypes || worker.taskTypes.some((type) => taskTypes.includes(type)));
    });
    const seen = new Map(known.map((worker) => [worker.workerId, worker]));
    const infoOf = (workerId: string): WorkerInfo => {
      const worker = seen.get(workerId);
      const holds = held.get(workerId) ?? [];
      const types = new Set([...(worker?.taskTypes ?? []), ...holds.map((task) => task.taskType)]);
      return {
        workerId,
        ...(worker && { actor: worker.actor }),
        taskTypes: [...types].sort(),
        waiting: worker?.waiting ?? 0,
        ...(worker && { lastSeenAt: worker.lastSeenAt }),
        holds: holds.slice(0, MOST_NAMED),
        holding: holds.length,
      };
    };
    const names = [...new Set([...seen.keys(), ...held.keys()])];
    const { items, nextCursor } = pageByName(names, infoOf, { cursor, limit });
    return {
      workers: items,
      ...(nextCursor !== undefined && { nextCursor }),
      ...(more && { more: true as const }),
    };
  }

  /** What is held, by worker. */
  private async held(
    query: ListWorkers,
  ): Promise<{ held: Map<string, HeldTask[]>; more: boolean }> {
    const { after, apps } = queryContextOf(query);
    const { taskTypes } = query;
    return this.fresh.read(after, async ({ searches, reader }) => {
      const ids = searches.leased({ taskTypes, apps }, MOST_HELD + 1);
      const held = new Map<string, HeldTask[]>();
      for (const [n, id] of ids.slice(0, MOST_HELD).entries()) {
        if (n > 0 && n % ROWS_A_TURN === 0) await nextTurn();
        const task = reader.find(id)?.task;
        if (task?.leased && task.workerId !== undefined) {
          const ofWorker = held.get(task.workerId) ?? [];
          held.set(task.workerId, ofWorker);
          ofWorker.push(heldTask(task));
        }
      }
      return { held, more: ids.length > MOST_HELD };
    });
  }
}

function heldTask({
  id,
  taskType,
  appName,
  status,
  leaseEpoch = 0,
  leaseExpiresAt = 0,
}: Task): HeldTask {
  return { taskId: id, taskType, appName, status, leaseEpoch, leaseExpiresAt };
}
