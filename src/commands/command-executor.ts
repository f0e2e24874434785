import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Clock, type CommandContext, Refusal } from '../context/index.js';
import { EventLog, LogUnavailable, RevisionConflict } from '../event-store/index.js';
import { taskStream } from '../events/index.js';
import type { Task } from '../task/index.js';
import { type Decision, answerOf, applyEvents, mayTouch } from './decision.js';
import { earlierOutcome, outcomeAt } from './earlier-outcome.js';
import type { Execution, Outcome } from './execution.js';
import { RefusalRecorder } from './refusal-recorder.js';
import { TaskQueue } from './task-queue.js';
import { type TaskStream, TaskStreams, emptyStream } from './task-streams.js';

const ATTEMPTS = 8;
const MAX_JITTER_MS = 25;

/** Load, decide, append, answer (DESIGN §6.1); records what is refused. */
@Injectable()
export class CommandExecutor {
  private readonly queue = new TaskQueue();

  constructor(
    private readonly log: EventLog,
    private readonly streams: TaskStreams,
    private readonly refusals: RefusalRecorder,
    private readonly clock: Clock,
  ) {}

  /** Rejects with {@link Refusal}, or with LogUnavailable when the log is away. */
  async execute(execution: Execution): Promise<Outcome> {
    return this.queue.run(execution.taskId, () => this.attempt(execution));
  }

  /** The task as this process knows it, read from the log if it does not; undefined when there is none. */
  async peek(taskId: string): Promise<Task | undefined> {
    return (this.streams.cached(taskId) ?? (await this.streams.read(taskId))).task;
  }

  /** Whether the task's stream, read to its end, remembers this command. */
  async remembers(taskId: string, commandId: string): Promise<boolean> {
    return (await this.streams.read(taskId)).remembered.firstRevision(commandId) !== undefined;
  }

  private async attempt(execution: Execution): Promise<Outcome> {
    const { taskId } = execution;
    let { stream, upToDate } = await this.load(execution);
    for (let conflicts = 0; ;) {
      const known = await earlierOutcome(this.log, execution, stream);
      if (known) return known;
      const context = this.contextNow(execution, stream);
      const verdict = decide(execution, stream, context);
      if ('events' in verdict) {
        const outcome = await this.append(execution, stream, verdict);
        if (outcome) return outcome;
        if (++conflicts === ATTEMPTS) throw tooManyConflicts(execution);
        if (conflicts > 1) await delay(Math.random() * MAX_JITTER_MS);
        stream = await this.streams.read(taskId);
        upToDate = true;
        continue;
      }
      if (!upToDate) {
        // Nothing is appended, so no conflict would tell that another process has changed the task.
        const { revision } = stream.chain;
        stream = await this.streams.read(taskId);
        upToDate = true;
        if (stream.chain.revision !== revision) continue;
      }
      if (!verdict.refusal) return unchanged(stream, taskId);
      if (stream.task) {
        await this.refusals.record(stream.task, execution.command, context, verdict.refusal);
      }
      throw verdict.refusal;
    }
  }

  private async load({
    taskId,
    context,
    creates,
  }: Execution): Promise<{ stream: TaskStream; upToDate: boolean }> {
    const cached = this.streams.cached(taskId) ?? (creates && emptyStream());
    // A command that may have been here before is looked for up to the stream's very end.
    if (cached && !context.resent) return { stream: cached, upToDate: false };
    return { stream: await this.streams.read(taskId), upToDate: true };
  }

  private contextNow({ context }: Execution, { task }: TaskStream): CommandContext {
    return { ...context, now: Math.max(this.clock.now(), task?.updatedAt ?? 0) };
  }

  /** Undefined: somebody else appended first. */
  private async append(
    { taskId, context }: Execution,
    { chain: { revision } }: TaskStream,
    { events, after }: Decision,
  ): Promise<Outcome | undefined> {
    try {
      const { position, repeated } = await this.log.append(
        taskStream(taskId),
        revision < 0 ? 'no_stream' : BigInt(revision),
        events,
      );
      // The log holds the first writing, whose times and hashes are not those of this one.
      if (repeated) return await this.appendedBefore(taskId, revision + 1);
      after.remembered.remember(context.commandId, revision + 1);
      this.streams.keep(taskId, { ...after, position });
      return { answer: answerOf(after.task, position, events), task: after.task };
    } catch (error) {
      if (error instanceof RevisionConflict) return undefined;
      if (error instanceof LogUnavailable && error.outcomeUnknown) this.streams.forget(taskId);
      throw error;
    }
  }

  private async appendedBefore(taskId: string, first: number): Promise<Outcome> {
    const { task } = await this.streams.read(taskId);
    if (!task) throw notFound(taskId);
    return outcomeAt(this.log, task, first);
  }
}

/** The events that follow, or none: with the refusal, if there is one. */
function decide(
  execution: Execution,
  stream: TaskStream,
  context: CommandContext,
): Decision | { readonly refusal?: Refusal } {
  const { taskId, creates } = execution;
  try {
    if (!stream.task && !creates) throw notFound(taskId);
    if (stream.task) assertOwnApp(stream.task, context);
    const decided = execution.decide(stream.task, context);
    return decided.length === 0 ? {} : applyEvents(taskId, stream, decided, context);
  } catch (error) {
    if (error instanceof Refusal) return { refusal: error };
    throw error;
  }
}

function notFound(taskId: string): Refusal {
  return new Refusal('TASK_NOT_FOUND', `There is no task ${taskId}.`, { taskId });
}

function tooManyConflicts({ taskId, context: { commandId } }: Execution): Refusal {
  return new Refusal(
    'CONFLICT',
    `Others changed task ${taskId} ${ATTEMPTS} times while this was decided; send it again.`,
    { taskId, commandId },
  );
}

function assertOwnApp(task: Task, context: CommandContext): void {
  if (mayTouch(task, context)) return;
  const { id, appName } = task;
  throw new Refusal('FORBIDDEN', `${context.actor.id} may not touch tasks of app ${appName}.`, {
    taskId: id,
    appName,
  });
}

function unchanged({ task, position }: TaskStream, taskId: string): Outcome {
  if (!task || position === undefined) throw notFound(taskId);
  return { answer: answerOf(task, position, []), task };
}
