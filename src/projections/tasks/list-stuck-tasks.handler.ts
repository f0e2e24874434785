import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { LIMITS, type StuckTask, type StuckTasksPage } from '@taskmanager/protocol';
import { Clock, queryContextOf } from '../../context/index.js';
import { EventLog } from '../../event-store/index.js';
import { type EventMetadata, taskStream } from '../../events/index.js';
import { ProcessorRunner } from '../../processing/index.js';
import { timersOf } from '../../task/index.js';
import { maySee } from '../visibility.js';
import { ListStuckTasks } from './list-stuck-tasks.query.js';
import {
  lookAtProcessors,
  parkedReasons,
  type ProcessorFacts,
  processorReasons,
} from './processor-reasons.js';
import { decodeStuckCursor, encodeStuckCursor, type StuckCursor } from './stuck-cursor.js';
import { FreshTasks } from './task-freshness.js';
import { reasonsOf } from './task-reasons.js';
import type { TimedTask } from './task-timers.js';

const GRACE_MS = 10_000;
const PAGE = 100;

interface Found {
  readonly stuck: StuckTask;
  readonly cursor: StuckCursor;
}

/** What the search knows: from one look at the clock and the processors. */
interface Look {
  readonly now: number;
  /** Timers due at or before then are overdue. */
  readonly until: number;
  readonly facts: ProcessorFacts;
  readonly after: StuckCursor | undefined;
}

/** First those whose timer is overdue, the longest first; then those with parked events, by id. */
@QueryHandler(ListStuckTasks)
export class ListStuckTasksHandler implements IQueryHandler<ListStuckTasks, StuckTasksPage> {
  constructor(
    private readonly log: EventLog,
    private readonly fresh: FreshTasks,
    private readonly runner: ProcessorRunner,
    private readonly clock: Clock,
  ) {}

  async execute(query: ListStuckTasks): Promise<StuckTasksPage> {
    const { apps } = queryContextOf(query);
    const { graceMs = GRACE_MS, limit = LIMITS.listPageDefault, cursor } = query;
    const now = this.clock.now();
    const after = cursor === undefined ? undefined : decodeStuckCursor(cursor);
    const facts = await lookAtProcessors(this.runner.runs(), await this.log.head());
    const tasks: StuckTask[] = [];
    let bytes = 0;
    let last: StuckCursor | undefined;
    for await (const found of this.find({ now, until: now - graceMs - 1, facts, after })) {
      if (!maySee(apps, found.stuck.appName)) continue;
      bytes += Buffer.byteLength(JSON.stringify(found.stuck));
      const isFull = tasks.length === limit || (tasks.length > 0 && bytes > LIMITS.answerBytes);
      if (isFull && last) return { tasks, nextCursor: encodeStuckCursor(last) };
      tasks.push(found.stuck);
      last = found.cursor;
    }
    return { tasks };
  }

  private async *find(look: Look): AsyncGenerator<Found> {
    const { after } = look;
    if (!after || 'dueAt' in after) {
      for (let place = after; ;) {
        const page = await this.fresh.read(undefined, ({ timers }) =>
          timers.page(look.until, PAGE, place),
        );
        for (const timed of page) yield overdue(timed, look);
        place = page.at(-1);
        if (page.length < PAGE) break;
      }
    }
    const done = after && 'parked' in after ? after.parked : '';
    for (const taskId of [...look.facts.parked.keys()].sort()) {
      const found = taskId > done ? await this.parked(taskId, look) : undefined;
      if (found) yield found;
    }
  }

  /** Undefined for one that is overdue too, and was found before. */
  private async parked(taskId: string, { now, until, facts }: Look): Promise<Found | undefined> {
    const row = await this.fresh.read(undefined, ({ reader }) => reader.find(taskId));
    const [timer] = row ? timersOf(row.task) : [];
    if (timer && timer.dueAt <= until) return undefined;
    const newest = { direction: 'backwards', limit: 1 } as const;
    const [last] = await this.log.readStream(taskStream(taskId), newest);
    const [first] = facts.parked.get(taskId) ?? [];
    if (!last || !first) return undefined;
    const { taskType, appName, status } = JSON.parse(last.metadata) as EventMetadata;
    const dueAt = first.parkedAt;
    const reasons = parkedReasons(taskId, facts);
    if (row) reasons.push(...processorReasons(row.task, now, facts), ...reasonsOf(row.task, now));
    const overdueMs = Math.max(0, now - dueAt);
    const about = { taskId, taskType, appName, status, kind: 'parked_event' };
    return { stuck: { ...about, dueAt, overdueMs, reasons }, cursor: { parked: taskId } };
  }
}

function overdue({ task, dueAt, seq }: TimedTask, { now, facts }: Look): Found {
  const { id: taskId, taskType, appName, status } = task;
  const reasons = [
    ...parkedReasons(taskId, facts),
    ...processorReasons(task, now, facts),
    ...reasonsOf(task, now),
  ];
  const kind = timersOf(task)[0]?.kind ?? 'unknown';
  const about = { taskId, taskType, appName, status, kind };
  return { stuck: { ...about, dueAt, overdueMs: now - dueAt, reasons }, cursor: { dueAt, seq } };
}
