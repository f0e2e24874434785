import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { type ExplainAnswer, LIMITS, type Reason } from '@taskmanager/protocol';
import { Clock, queryContextOf } from '../../context/index.js';
import { EventLog } from '../../event-store/index.js';
import { type EventMetadata, taskStream } from '../../events/index.js';
import { ProcessorRunner } from '../../processing/index.js';
import { TaskHistories } from '../history/task-histories.js';
import { maySee, taskNotFound } from '../visibility.js';
import { KnownTaskTypes } from '../task-types/known-task-types.js';
import { ClaimSlots } from './claim-slots.js';
import { ClaimWaiters } from './claim-waiters.js';
import { ExplainTask } from './explain-task.query.js';
import { lastPause } from './last-pause.js';
import {
  behindReasons,
  lookAtProcessors,
  parkedReasons,
  processorReasons,
} from './processor-reasons.js';
import { iso, quoted } from './reason-text.js';
import { FreshTasks } from './task-freshness.js';
import type { TaskGeneration } from './task-generation.js';
import type { FoundTask } from './task-reader.js';
import { type Circumstances, reasonsOf } from './task-reasons.js';
import { TASK_VIEW, TaskProjection } from './task.projection.js';

/** The view follows the log by milliseconds. While it does not, or is being built, that is a reason too. */
@QueryHandler(ExplainTask)
export class ExplainTaskHandler implements IQueryHandler<ExplainTask, ExplainAnswer> {
  constructor(
    private readonly log: EventLog,
    private readonly projection: TaskProjection,
    private readonly fresh: FreshTasks,
    private readonly runner: ProcessorRunner,
    private readonly claims: ClaimWaiters,
    private readonly types: KnownTaskTypes,
    private readonly slots: ClaimSlots,
    private readonly clock: Clock,
    private readonly histories: TaskHistories,
  ) {}

  async execute(query: ExplainTask): Promise<ExplainAnswer> {
    const { id } = query;
    const { log, runner } = this;
    const newest = { direction: 'backwards', limit: 1 } as const;
    const [last] = await log.readStream(taskStream(id), newest);
    if (!last) return this.explainImported(query);
    const { status, appName } = JSON.parse(last.metadata) as EventMetadata;
    const { apps } = queryContextOf(query);
    if (status === 'deleted' || !maySee(apps, appName)) throw taskNotFound(id);
    await runner.whenProcessed(TASK_VIEW, last.position, LIMITS.afterMs);
    const facts = await lookAtProcessors(runner.runs(), await log.head());
    const reasons: Reason[] = parkedReasons(id, facts);
    const found = this.projection.current
      ? await this.fresh.read(undefined, (tasks) => this.look(tasks, id))
      : undefined;
    if (!found || found.task.revision < Number(last.revision)) {
      reasons.push(...behindReasons(found?.task.revision, Number(last.revision), facts));
    }
    if (found) {
      const { task, about } = found;
      const now = this.clock.now();
      reasons.push(...processorReasons(task, now, facts), ...reasonsOf(task, now, about));
    }
    // The log knows better than a view that is behind.
    const seen = found && found.task.revision > Number(last.revision);
    return { taskId: id, status: seen ? found.task.status : status, reasons };
  }

  /** It stands for good: nothing is done to an imported task. */
  private async explainImported(query: ExplainTask): Promise<ExplainAnswer> {
    const { id } = query;
    const { apps } = queryContextOf(query);
    const task = await this.histories.readImported(id, apps);
    if (!task?.imported || task.status === 'deleted') throw taskNotFound(id);
    const { fromLog, by, at } = task.imported;
    const text = `It was imported from log ${fromLog} by ${quoted(by)} at ${iso(at)}, and is here to be read only. It lives on, if at all, where it came from.`;
    return { taskId: id, status: task.status, reasons: [{ code: 'imported', text, by }] };
  }

  private async look(
    { reader, queue }: TaskGeneration,
    id: string,
  ): Promise<(FoundTask & { about: Circumstances }) | undefined> {
    const found = reader.find(id);
    if (!found) return undefined;
    const { task } = found;
    let about: Circumstances = {};
    if (task.status === 'pending' && task.runBy === 'worker') {
      await this.types.ready();
      const { taskType } = task;
      const { paused, maxRunning } = this.types.ruleOf(taskType) ?? {};
      const full = maxRunning !== undefined && this.slots.held(taskType) >= maxRunning;
      about = {
        workersWaiting: this.claims.waitingFor(task),
        ahead: queue.countBefore(found),
        ...(paused && { typePaused: paused }),
        ...(full && { typeFull: { maxRunning, held: this.slots.held(taskType) } }),
      };
    }
    const paused = task.status === 'paused' ? await lastPause(this.log, id) : undefined;
    return { ...found, about: paused ? { ...about, paused } : about };
  }
}
