import { Injectable, Logger } from '@nestjs/common';
import { LIMITS, type TaskTypeAnswer } from '@taskmanager/protocol';
import { Clock, type CommandContext, contextOf, Refusal, whoAndWhy } from '../../context/index.js';
import { EventLog, RevisionConflict } from '../../event-store/index.js';
import { type AnyTaskTypeEvent, TASK_TYPES_STREAM } from '../../events/index.js';
import type { TaskTypeRule } from '../../task/index.js';
import { appendChained } from '../chained-append.js';
import { StandingClaims } from '../standing-claims.js';
import { TaskFinder } from '../task-finder.port.js';
import { TaskQueue } from '../task-queue.js';
import { TaskTypes } from '../task-types.port.js';

/** How often it is decided anew because another process was first. */
const ATTEMPTS = 8;

/** What every command about a task type has. */
export interface TaskTypeCommand {
  readonly taskType: string;
  readonly reason?: string;
}

/**
 * Decides and records what holds for a task type. Rare, and so without a cache of its own: each command
 * reads the stream to its end, one after the other.
 */
@Injectable()
export class TaskTypeControl {
  private readonly logger = new Logger('Task types');
  private readonly queue = new TaskQueue();

  constructor(
    private readonly log: EventLog,
    private readonly types: TaskTypes,
    private readonly claims: StandingClaims,
    private readonly finder: TaskFinder,
    private readonly clock: Clock,
  ) {}

  /**
   * `decide` answers the event, or nothing when it stands so already. When this resolves, claims of this
   * process heed it: those that were being decided under the old rule have ended, and the view, which
   * counts what is held, has seen what they took.
   */
  async execute<C extends TaskTypeCommand>(
    command: C,
    decide: (rule: TaskTypeRule | undefined, command: C) => AnyTaskTypeEvent | undefined,
  ): Promise<TaskTypeAnswer> {
    const context = contextOf(command);
    const answer = await this.queue.run(TASK_TYPES_STREAM, () =>
      this.attempt(command, context, (rule) => decide(rule, command)),
    );
    await this.claims.ended();
    if (answer.maxRunning !== undefined) await this.finder.caughtUp();
    return answer;
  }

  private async attempt(
    command: TaskTypeCommand,
    context: CommandContext,
    decide: (rule: TaskTypeRule | undefined) => AnyTaskTypeEvent | undefined,
  ): Promise<TaskTypeAnswer> {
    const { taskType, reason } = command;
    for (let conflicts = 0; conflicts < ATTEMPTS; conflicts++) {
      await this.types.refresh();
      const earlier = this.types.answerTo(context.commandId);
      if (earlier) return { ...earlier, repeated: true };
      const rule = this.types.ruleOf(taskType);
      const event = decide(rule);
      if (!event) return this.types.answerAbout(taskType);
      if (!rule && this.types.size >= LIMITS.ruledTaskTypes) throw tooMany();
      if (!(await this.append(taskType, event, context))) continue;
      await this.types.refresh();
      this.logger.warn(`${event.type} ${taskType} by ${whoAndWhy(command, reason)}`);
      return this.types.answerTo(context.commandId) ?? this.types.answerAbout(taskType);
    }
    const message = `Others decided about task types ${ATTEMPTS} times meanwhile; send it again.`;
    throw new Refusal('CONFLICT', message, { taskType });
  }

  /** False: another process appended first. */
  private async append(
    taskType: string,
    event: AnyTaskTypeEvent,
    context: CommandContext,
  ): Promise<boolean> {
    const { end } = this.types;
    const now = this.clock.now();
    try {
      await appendChained(
        this.log,
        TASK_TYPES_STREAM,
        end,
        event,
        { ...context, now },
        { taskType },
      );
      return true;
    } catch (error) {
      if (error instanceof RevisionConflict) return false;
      throw error;
    }
  }
}

function tooMany(): Refusal {
  return new Refusal(
    'VALIDATION_FAILED',
    `${LIMITS.ruledTaskTypes} task types are paused or limited already: resume some, or take their limits away.`,
    { field: 'taskType' },
  );
}
