import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Position } from '@taskmanager/protocol';
import { Clock, type CommandContext, Refusal } from '../context/index.js';
import {
  type AppendResult,
  EventLog,
  LogUnavailable,
  RevisionConflict,
} from '../event-store/index.js';
import { taskStream } from '../events/index.js';
import type { Task } from '../task/index.js';
import { type Decision, answerOf, applyEvents, mayTouch } from './decision.js';
import { earlierOutcome, outcomeAt } from './earlier-outcome.js';
import type { Execution, Outcome } from './execution.js';
import { type ImportedTask, ImportedTasks } from './imported-tasks.port.js';
import { type QueuedCommand, QueuedCommands } from './queued-commands.js';
import { RefusalRecorder } from './refusal-recorder.js';
import { TaskQueue } from './task-queue.js';
import { emptyStream, type TaskStream } from './task-snapshot.js';
import { TaskStreams } from './task-streams.js';
import { UnsettledAppends } from './unsettled-appends.js';

const ATTEMPTS = 8;
const MAX_JITTER_MS = 25;
/** Commands about one task that are appended together, and the text of their events, characters. */
const MAX_TOGETHER = 32;
const MAX_CHARS_TOGETHER = 256 * 1024;

/** A command of one append, and what was decided. */
interface Decided {
  readonly queued: QueuedCommand;
  readonly decision: Decision;
}

/**
 * Load, decide, append, answer (DESIGN §6.1); records what is refused. Commands about one task that wait
 * behind each other are decided one after the other and appended together.
 */
@Injectable()
export class CommandExecutor {
  private readonly queue = new TaskQueue();
  private readonly queued = new QueuedCommands();
  private readonly unsettled = new UnsettledAppends();

  constructor(
    private readonly log: EventLog,
    private readonly streams: TaskStreams,
    private readonly refusals: RefusalRecorder,
    private readonly clock: Clock,
    private readonly imports: ImportedTasks,
  ) {}

  /** Rejects with {@link Refusal}, or with LogUnavailable when the log is away. */
  async execute(execution: Execution): Promise<Outcome> {
    const command = this.queued.add(execution);
    try {
      return await this.queue.run(execution.taskId, () => this.attempt(command));
    } catch (error) {
      // Whether it took effect is as unknown as for the one that it was appended with.
      throw command.settled && 'failure' in command.settled ? command.settled.failure : error;
    } finally {
      this.queued.remove(command);
    }
  }

  /** The task as this process knows it, read from the log if it does not; undefined when there is none. */
  async peek(taskId: string): Promise<Task | undefined> {
    return (this.streams.cached(taskId) ?? (await this.streams.read(taskId))).task;
  }

  /** Whether the task's stream, read to its end, remembers this command. */
  async remembers(taskId: string, commandId: string): Promise<boolean> {
    return (await this.streams.read(taskId)).remembered.firstRevision(commandId) !== undefined;
  }

  private async attempt(queued: QueuedCommand): Promise<Outcome> {
    const { execution, settled } = queued;
    if (settled && 'outcome' in settled) return settled.outcome;
    const { taskId } = execution;
    let { stream, upToDate } = await this.load(execution);
    if (!stream.task) {
      if (!this.imports.isReady) await this.imports.ready();
      this.refuseImported(execution);
    }
    for (let conflicts = 0; ;) {
      const known = await earlierOutcome(this.log, execution, stream);
      if (known) return known;
      const context = this.contextNow(execution, stream);
      const verdict = decide(execution, stream, context);
      if ('events' in verdict) {
        const group = [{ queued, decision: verdict }, ...this.decideBehind(queued, verdict)];
        const outcome = await this.append(group, stream);
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
      this.unsettled.assertSettled(execution, stream);
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

  /** A task that was imported has no stream of its own: it can be read and nothing else. */
  private refuseImported(execution: Execution): void {
    const imported = this.imports.find(execution.taskId);
    if (imported) throw asImported(imported, execution);
  }

  private contextNow({ context }: Execution, { task }: TaskStream): CommandContext {
    return { ...context, now: Math.max(this.clock.now(), task?.updatedAt ?? 0) };
  }

  /** The commands behind this one, up to the first that would not simply append. */
  private decideBehind(queued: QueuedCommand, { events, after }: Decision): readonly Decided[] {
    const decided: Decided[] = [];
    const commandIds = new Set([queued.execution.context.commandId]);
    let stream = after;
    let chars = lengthOf(events);
    for (const next of this.queued.behind(queued, MAX_TOGETHER - 1)) {
      const { context, creates } = next.execution;
      // A command that may have been here before is looked for in the log, in its own turn.
      const known = stream.remembered.firstRevision(context.commandId) !== undefined;
      if (context.resent || creates || known || commandIds.has(context.commandId)) break;
      const decision = decisionOf(next.execution, stream, this.contextNow(next.execution, stream));
      if (!decision) break;
      chars += lengthOf(decision.events);
      if (chars > MAX_CHARS_TOGETHER) break;
      commandIds.add(context.commandId);
      decided.push({ queued: next, decision });
      stream = decision.after;
    }
    return decided;
  }

  /** All events of all, or none. Answers the first; undefined: somebody else appended before it. */
  private async append(
    group: readonly Decided[],
    { chain: { revision } }: TaskStream,
  ): Promise<Outcome | undefined> {
    const [first, ...others] = group;
    const last = group.at(-1);
    if (!first || !last) throw new RangeError('Nothing is to be appended.');
    const { taskId } = first.queued.execution;
    try {
      const result = await this.log.append(
        taskStream(taskId),
        revision < 0 ? 'no_stream' : BigInt(revision),
        others.length === 0
          ? first.decision.events
          : group.flatMap(({ decision }) => decision.events),
      );
      // The log holds the first writing, whose times and hashes are not those of this one.
      if (result.repeated) return await this.appendedBefore(taskId, revision + 1);
      const positionOf =
        others.length === 0
          ? () => result.position
          : await this.positionsOf(taskId, revision + 1, result);
      const outcome = appended(first, positionOf);
      for (const each of others) each.queued.settled = { outcome: appended(each, positionOf) };
      this.streams.keep(taskId, { ...last.decision.after, position: result.position });
      return outcome;
    } catch (error) {
      if (error instanceof RevisionConflict) return undefined;
      if (error instanceof LogUnavailable) {
        if (error.outcomeUnknown) {
          this.streams.forget(taskId);
          for (const { queued } of group) this.unsettled.add(queued.execution, revision);
        }
        for (const { queued } of others) queued.settled = { failure: error };
      }
      throw error;
    }
  }

  /** Where each event of an append stands, by its revision; not every log says it by itself. */
  private async positionsOf(
    taskId: string,
    first: number,
    { revision: end, position, positions }: AppendResult,
  ): Promise<(revision: number) => Position> {
    const known = positions ?? (await this.readPositions(taskId, first, Number(end)));
    return (revision) => known[revision - first] ?? position;
  }

  /** It is in the log, but not to see it there is not to know where. */
  private async readPositions(taskId: string, first: number, end: number): Promise<Position[]> {
    if (first === end) return [];
    try {
      const limit = end - first + 1;
      const records = await this.log.readStream(taskStream(taskId), { from: BigInt(first), limit });
      return records.map(({ position }) => position);
    } catch (cause) {
      throw new LogUnavailable('what was appended could not be read', true, { cause });
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

/** What a command behind another one would append; undefined if it is better decided in its own turn. */
function decisionOf(
  execution: Execution,
  stream: TaskStream,
  context: CommandContext,
): Decision | undefined {
  try {
    const verdict = decide(execution, stream, context);
    return 'events' in verdict ? verdict : undefined;
  } catch {
    // It is decided again in its own turn, and then this is its answer.
    return undefined;
  }
}

/** What a command is answered whose events are in the log now, as its task remembers. */
function appended(
  { queued, decision: { events, after } }: Decided,
  positionOf: (revision: number) => Position,
): Outcome {
  const { revision } = after.chain;
  after.remembered.remember(queued.execution.context.commandId, revision - events.length + 1);
  return { answer: answerOf(after.task, positionOf(revision), events), task: after.task };
}

function lengthOf(events: Decision['events']): number {
  return events.reduce((chars, { data, metadata }) => chars + data.length + metadata.length, 0);
}

function notFound(taskId: string): Refusal {
  return new Refusal('TASK_NOT_FOUND', `There is no task ${taskId}.`, { taskId });
}

function asImported(imported: ImportedTask, { command, context, creates }: Execution): Refusal {
  const { taskId, fromLog, by, at } = imported;
  if (!mayTouch(imported, context)) return foreignApp(taskId, context);
  return new Refusal(
    creates ? 'CONFLICT' : 'INVALID_TRANSITION',
    `${command} cannot be done: task ${taskId} was imported from log ${fromLog}, and is here to be read only. It lives on, if at all, where it came from.`,
    { taskId, imported: { fromLog, by, at } },
  );
}

function tooManyConflicts({ taskId, context: { commandId } }: Execution): Refusal {
  return new Refusal(
    'CONFLICT',
    `Others changed task ${taskId} ${ATTEMPTS} times while this was decided; send it again.`,
    { taskId, commandId },
  );
}

function assertOwnApp(task: Task, context: CommandContext): void {
  if (!mayTouch(task, context)) throw foreignApp(task.id, context);
}

/** Whose the task is, is not said to who may not know it. */
function foreignApp(taskId: string, { actor }: CommandContext): Refusal {
  return new Refusal(
    'FORBIDDEN',
    `${actor.id} may not touch task ${taskId}: it is of none of the apps that the token is for.`,
    { taskId },
  );
}

function unchanged({ task, position }: TaskStream, taskId: string): Outcome {
  if (!task || position === undefined) throw notFound(taskId);
  return { answer: answerOf(task, position, []), task };
}
