import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Actor, CommandAnswer, ErrorCode } from '@taskmanager/protocol';
import { CommandExecutor } from '../src/commands/command-executor.js';
import { CreateTask } from '../src/commands/create-task.command.js';
import { CreateTaskHandler } from '../src/commands/create-task.handler.js';
import { type Decision, applyEvents } from '../src/commands/decision.js';
import { RefusalRecorder } from '../src/commands/refusal-recorder.js';
import { emptyStream } from '../src/commands/task-snapshot.js';
import { TaskStreams } from '../src/commands/task-streams.js';
import {
  Clock,
  type CommandContext,
  Refusal,
  TimeOrderedIds,
  withContext,
} from '../src/context/index.js';
import type { EventLog, RecordedEvent } from '../src/event-store/index.js';
import {
  type AnyTaskEvent,
  CHAIN_START,
  type EventMetadata,
  TaskCreated,
  type TaskCreatedData,
  TaskStarted,
  chainHash,
  splitHash,
  taskStream,
} from '../src/events/index.js';
import { KnownImports } from '../src/projections/imports/known-imports.js';
import type { Task } from '../src/task/index.js';

/** Specs of deciders: given these events, when this command comes, then these events or this refusal. */

// Refusals are logged as well as recorded: nobody reads that here.
Logger.overrideLogger(false);

/** When everything happens unless the spec says otherwise, epoch milliseconds. */
export const NOW = 1_700_000_000_000;
export const TASK_ID = '0190a5a0-0000-7000-8000-000000000001';
export const ALICE: Actor = { id: 'alice', roles: ['client'], verified: true };
export const BOB: Actor = { id: 'bob', roles: ['client', 'approver'], verified: true };
export const ADMIN: Actor = { id: 'root', roles: ['admin'], verified: true };

export function contextFor(overrides: Partial<CommandContext> = {}): CommandContext {
  return {
    actor: ALICE,
    correlationId: 'correlation',
    causationId: 'causation',
    commandId: '11111111-1111-5111-8111-111111111111',
    transport: 'tcp',
    resent: false,
    now: NOW,
    ...overrides,
  };
}

/** A task of the smallest kind: run by its app, without clocks. */
export const created = (overrides: Partial<TaskCreatedData> = {}): TaskCreated =>
  new TaskCreated({
    name: 'Publish',
    taskType: 'publish',
    appName: 'registry',
    runBy: 'app',
    persistent: false,
    maxRetries: 3,
    retryDelayMs: 1_000,
    backoff: { type: 'fixed' },
    priority: 0,
    labels: {},
    ...overrides,
  });

/** Its app runs it. */
export const started = (attempt = 1): TaskStarted => new TaskStarted({ attempt });

/** A worker runs it under a lease of 30 seconds. */
export const claimed = (leaseEpoch = 1, attempt = leaseEpoch): TaskStarted =>
  new TaskStarted({ attempt, workerId: 'w1', leaseEpoch, leaseExpiresAt: NOW + 30_000 });

/** What the worker of that lease says about itself. */
export const HOLDER = { workerId: 'w1', leaseEpoch: 1 };

interface Happened {
  readonly event: AnyTaskEvent;
  readonly context: Partial<CommandContext>;
}

/** The event happened at another time, or by somebody else. */
export const happened = (event: AnyTaskEvent, context: Partial<CommandContext>): Happened => ({
  event,
  context,
});

interface Decider<C> {
  decide(task: Task, command: C, context: CommandContext): AnyTaskEvent[];
}

/** Folds a history, each event of which must be allowed where it stands. */
export function taskAfter(...history: readonly (AnyTaskEvent | Happened)[]): Task {
  let stream = emptyStream();
  for (const item of history) {
    const { event, context } = 'event' in item ? item : { event: item, context: {} };
    ({ after: stream } = applyEvents(TASK_ID, stream, [event], contextFor(context)));
  }
  if (!stream.task) throw new Error('A history has at least one event.');
  return stream.task;
}

export function given(...history: readonly (AnyTaskEvent | Happened)[]) {
  const task = taskAfter(...history);
  return {
    task,
    when<C extends { readonly id: string }>(
      handler: Decider<C>,
      message: Omit<C, 'id'>,
      overrides: Partial<CommandContext> = {},
    ) {
      const context = contextFor(overrides);
      const decide = (): Decision =>
        applyEvents(
          TASK_ID,
          { ...emptyStream(), task },
          handler.decide(task, { id: TASK_ID, ...message } as unknown as C, context),
          context,
        );
      return {
        /** Exactly these events follow; answers the task as it is after them. */
        then(...events: readonly AnyTaskEvent[]): Task {
          const decision = decide();
          const shown = decision.events.map(({ type, data }) => ({
            type,
            data: JSON.parse(data) as unknown,
          }));
          expect(shown).toEqual(
            events.map(({ type, data }) => ({
              type,
              data: JSON.parse(JSON.stringify(data)) as unknown,
            })),
          );
          return decision.after.task;
        },
        thenNothing(): void {
          expect(decide().events).toEqual([]);
        },
        /** Refused with this code; `details` must hold at least these, and `text` is in the message. */
        thenRefused(
          code: ErrorCode,
          details: Readonly<Record<string, unknown>> = {},
          text = '.',
        ): void {
          let refusal: unknown;
          try {
            decide();
          } catch (error) {
            refusal = error;
          }
          expect(refusal).toBeInstanceOf(Refusal);
          expect(refusal).toMatchObject({
            code,
            details,
            message: expect.stringContaining(text),
          });
        },
      };
    },
  };
}

/** A clock that stands until it is set. */
export class SetClock extends Clock {
  time = NOW;

  now(): number {
    return this.time;
  }
}

/** What one process of the service has of its own; two of them on one log are two replicas. */
export function replica(log: EventLog, clock: Clock = new SetClock()) {
  const refusals = new RefusalRecorder(log);
  const imports = new KnownImports(log);
  const executor = new CommandExecutor(log, new TaskStreams(log), refusals, clock, imports);
  return {
    executor,
    clock,
    /** Sends a command through its handler; every call is another command unless the context says. */
    send<C extends { readonly id: string }>(
      message: new () => C,
      handler: new (executor: CommandExecutor) => { execute(command: C): Promise<CommandAnswer> },
      fields: Omit<C, 'id'>,
      context: Partial<CommandContext> = {},
    ): Promise<CommandAnswer> {
      const command = Object.assign(new message(), { id: TASK_ID, ...fields });
      const sent = contextFor({ commandId: randomUUID(), ...context });
      return new handler(executor).execute(withContext(command, sent));
    },
    create(
      fields: Partial<CreateTask> = {},
      context: Partial<CommandContext> = {},
    ): Promise<CommandAnswer> {
      const named = { name: 'Publish', taskType: 'publish', appName: 'registry' };
      const command = Object.assign(new CreateTask(), { id: TASK_ID, ...named, ...fields });
      const sent = contextFor({ commandId: randomUUID(), ...context });
      const handler = new CreateTaskHandler(executor, new TimeOrderedIds());
      return handler.execute(withContext(command, sent));
    },
  };
}

/** The whole stream, its revisions and its hash chain checked. */
export async function intactStream(
  log: EventLog,
  stream = taskStream(TASK_ID),
): Promise<readonly RecordedEvent[]> {
  const events = await log.readStream(stream, { limit: 10_000 });
  let previous = CHAIN_START;
  for (const [index, { revision, id, type, data, metadata }] of events.entries()) {
    expect(revision).toBe(BigInt(index));
    const split = splitHash(metadata);
    const version = (JSON.parse(metadata) as EventMetadata).version;
    const link = { stream, revision, id, type, version, data, metadata: split?.metadata ?? '' };
    previous = chainHash(previous, link);
    expect({ stream, revision, hash: split?.hash }).toEqual({ stream, revision, hash: previous });
  }
  return events;
}
