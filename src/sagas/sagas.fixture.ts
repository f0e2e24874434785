/**
 * The sagas with the real commands on a log in memory. Each event is delivered twice, and each timer
 * fires twice, at once; and once more under another id, as if the task had forgotten the first: what a
 * test sees happen once happens once.
 */
import { randomUUID } from 'node:crypto';
import type { Type } from '@nestjs/common';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import type { Actor, CommandAnswer } from '@taskmanager/protocol';
import { AcknowledgePauseHandler } from '../commands/acknowledge-pause.handler.js';
import {
  type ApproverNotice,
  ApproverNotices,
  type NoticeOutcome,
} from '../commands/approver-notices.port.js';
import { ApproveTaskHandler } from '../commands/approve-task.handler.js';
import { CancelTaskHandler } from '../commands/cancel-task.handler.js';
import { CommandExecutor } from '../commands/command-executor.js';
import { CompleteTaskHandler } from '../commands/complete-task.handler.js';
import { CreateTask } from '../commands/create-task.command.js';
import { CreateTaskHandler } from '../commands/create-task.handler.js';
import { DeleteTaskHandler } from '../commands/delete-task.handler.js';
import { FailTaskHandler } from '../commands/fail-task.handler.js';
import { ImportedTasks } from '../commands/imported-tasks.port.js';
import { ClaimTaskHandler } from '../commands/internal/claim-task.handler.js';
import { ExpireApprovalHandler } from '../commands/internal/expire-approval.handler.js';
import { ExpireClockHandler } from '../commands/internal/expire-clock.handler.js';
import { ExpireLeaseHandler } from '../commands/internal/expire-lease.handler.js';
import { NotifyApproversHandler } from '../commands/internal/notify-approvers.handler.js';
import { PerformRetryHandler } from '../commands/internal/perform-retry.handler.js';
import { ScheduleRetryHandler } from '../commands/internal/schedule-retry.handler.js';
import { PauseTaskHandler } from '../commands/pause-task.handler.js';
import { RefusalRecorder } from '../commands/refusal-recorder.js';
import { RejectTaskHandler } from '../commands/reject-task.handler.js';
import { RenewLeaseHandler } from '../commands/renew-lease.handler.js';
import { RequestApprovalHandler } from '../commands/request-approval.handler.js';
import { ResumeTaskHandler } from '../commands/resume-task.handler.js';
import { RetryTaskHandler } from '../commands/retry-task.handler.js';
import { StartTaskHandler } from '../commands/start-task.handler.js';
import { type TaskCommand, messageOf } from '../commands/task-command.js';
import { TaskStreams } from '../commands/task-streams.js';
import { Clock, Ids, Refusal, TimeOrderedIds, withContext } from '../context/index.js';
import { EventLog } from '../event-store/index.js';
import { MemoryEventLog } from '../event-store/memory/index.js';
import { type StoredTaskEvent, TASK_STREAM_PREFIX, decodeTaskEvent } from '../events/index.js';
import { type DueTimer, On, OnDue, TaskSaga } from '../processing/index.js';
import { SagaCommands } from '../processing/sagas/saga-commands.js';
import { KnownImports } from '../projections/imports/known-imports.js';
import { type Task, timersOf } from '../task/index.js';
import { ALICE, SetClock, TASK_ID, contextFor } from '../../test/given.js';
import { ApprovalSaga } from './approval.saga.js';
import { DeadlinesSaga } from './deadlines.saga.js';
import { RetrySaga } from './retry.saga.js';

const SAGAS = [ApprovalSaga, DeadlinesSaga, RetrySaga];
const HANDLERS = [
  AcknowledgePauseHandler,
  ApproveTaskHandler,
  CancelTaskHandler,
  ClaimTaskHandler,
  CompleteTaskHandler,
  CreateTaskHandler,
  DeleteTaskHandler,
  ExpireApprovalHandler,
  ExpireClockHandler,
  ExpireLeaseHandler,
  FailTaskHandler,
  NotifyApproversHandler,
  PauseTaskHandler,
  PerformRetryHandler,
  RejectTaskHandler,
  RenewLeaseHandler,
  RequestApprovalHandler,
  ResumeTaskHandler,
  RetryTaskHandler,
  ScheduleRetryHandler,
  StartTaskHandler,
];

/** Keeps what approvers were told; `answer` and `meanwhile` are the test's. */
export class KeptNotices extends ApproverNotices {
  readonly sent: ApproverNotice[] = [];
  outcomes: readonly NoticeOutcome[] = [{ channel: 'log', outcome: 'delivered' }];
  /** Runs while a notice is on its way. */
  meanwhile: () => Promise<unknown> = () => Promise.resolve();

  async send(notice: ApproverNotice): Promise<readonly NoticeOutcome[]> {
    this.sent.push(notice);
    await this.meanwhile();
    return this.outcomes;
  }
}

/** A method of a saga, with what it answers to. */
interface Reaction<On> {
  readonly saga: string;
  readonly on: On;
  readonly react: (cause: unknown) => TaskCommand[];
}

/** Opens a stage, with more sagas than there are if wanted; whoever opened it closes it. */
export async function openStage(more: readonly Type<object>[] = []): Promise<Stage> {
  const all: readonly Type<object>[] = [...SAGAS, ...more];
  const clock = new SetClock();
  const module = await Test.createTestingModule({
    imports: [CqrsModule],
    providers: [
      CommandExecutor,
      RefusalRecorder,
      TaskStreams,
      SagaCommands,
      ...HANDLERS,
      ...all,
      { provide: EventLog, useClass: MemoryEventLog },
      { provide: ImportedTasks, useClass: KnownImports },
      { provide: ApproverNotices, useClass: KeptNotices },
      { provide: Clock, useValue: clock },
      { provide: Ids, useClass: TimeOrderedIds },
    ],
  }).compile();
  await module.init();
  const sagas = all.map((saga) => module.get<object>(saga));
  return new Stage(
    clock,
    module.get(EventLog),
    module.get<KeptNotices>(ApproverNotices),
    module.get(CommandBus),
    module.get(SagaCommands),
    module.get(CommandExecutor),
    module.get(TaskStreams),
    sagas.flatMap((saga) => reactions<{ readonly type: string }>(saga, On.KEY)),
    sagas.flatMap((saga) => reactions<readonly string[]>(saga, OnDue.KEY)),
    () => module.close(),
  );
}

function reactions<On>(saga: object, key: string): Reaction<On>[] {
  const { name } = Reflect.getMetadata(TaskSaga.KEY, saga.constructor) as { readonly name: string };
  const prototype = Object.getPrototypeOf(saga) as Record<string, Reaction<On>['react']>;
  return Object.getOwnPropertyNames(prototype).flatMap((method) => {
    const react = prototype[method];
    const on = react && (Reflect.getMetadata(key, react) as On | undefined);
    return !react || on === undefined ? [] : [{ saga: name, on, react: react.bind(saga) }];
  });
}

export class Stage {
  private delivered: StoredTaskEvent['position'] | undefined;
  private readonly fired = new Set<string>();

  constructor(
    readonly clock: SetClock,
    readonly log: EventLog,
    readonly notices: KeptNotices,
    private readonly bus: CommandBus,
    private readonly commands: SagaCommands,
    private readonly executor: CommandExecutor,
    private readonly streams: TaskStreams,
    private readonly onEvents: readonly Reaction<{ readonly type: string }>[],
    private readonly onDue: readonly Reaction<readonly string[]>[],
    readonly close: () => Promise<void>,
  ) {}

  /** A command from outside; the sagas do not run until time passes or they are told to. */
  async send<C extends object>(
    message: new () => C,
    fields: Omit<C, 'id'> = {} as Omit<C, 'id'>,
    actor: Actor = ALICE,
  ): Promise<CommandAnswer> {
    const command = messageOf<C>(message, { id: TASK_ID, ...fields } as unknown as C);
    const commandId = randomUUID();
    return this.bus.execute(withContext(command, contextFor({ actor, commandId })));
  }

  create(fields: Partial<CreateTask> = {}): Promise<CommandAnswer> {
    const named = { name: 'Publish', taskType: 'publish', appName: 'registry' };
    return this.send(CreateTask, { ...named, ...fields });
  }

  /** What the code of the refusal was and what it said. */
  async refused(sent: Promise<unknown>): Promise<Refusal> {
    const answer = await sent.catch((error: unknown) => error);
    if (answer instanceof Refusal) return answer;
    throw new Error(`Not refused: ${JSON.stringify(answer)}`);
  }

  async task(): Promise<Task> {
    const task = await this.executor.peek(TASK_ID);
    if (!task) throw new Error('The task is not created yet.');
    return task;
  }

  async history(): Promise<readonly StoredTaskEvent[]> {
    const { events } = await this.log.readAll({ filter: { streamPrefix: TASK_STREAM_PREFIX } });
    return events.map(decodeTaskEvent);
  }

  /** Names of the task's events so far. */
  async types(): Promise<readonly string[]> {
    return (await this.history()).map(({ event }) => event.type);
  }

  /** The data of each event of this type. */
  async data(type: string): Promise<readonly unknown[]> {
    const history = await this.history();
    return history.filter(({ event }) => event.type === type).map(({ event }) => event.data);
  }

  /** The sagas handle what they have not seen, until nothing follows. */
  async settle(): Promise<void> {
    for (;;) {
      const { events } = await this.log.readAll({
        ...(this.delivered !== undefined && { after: this.delivered }),
        filter: { streamPrefix: TASK_STREAM_PREFIX },
      });
      if (events.length === 0) return;
      for (const event of events.map(decodeTaskEvent)) {
        await Promise.all(
          [event.id, event.id, `${OTHER}/${event.id}`].map((id) => this.deliver(event, id)),
        );
        this.delivered = event.position;
      }
    }
  }

  /** Time passes and each timer fires when it is due; with `down`, all of them late, at the end. */
  async pass(ms: number, { down = false } = {}): Promise<void> {
    const end = this.clock.time + ms;
    if (down) this.clock.time = end;
    for (let steps = 0; ; steps++) {
      if (steps > MAX_STEPS) throw new Error('There is no end of what is due.');
      await this.settle();
      const due = this.timers(await this.task()).find(
        (timer) => timer.dueAt <= end && !this.fired.has(nameOf(timer)),
      );
      if (!due) break;
      this.clock.time = Math.max(this.clock.time, due.dueAt);
      await this.fire(due);
    }
    this.clock.time = end;
  }

  /** Fires it, due or not. */
  async fire(timer: DueTimer): Promise<void> {
    this.fired.add(nameOf(timer));
    const name = nameOf(timer);
    await Promise.all([name, name, `${OTHER}/${name}`].map((id) => this.run(timer, id)));
  }

  /** The timers of a task as the view knew it. */
  timers(task: Task): DueTimer[] {
    const { id, revision, attempt, leaseEpoch, approval } = task;
    return timersOf(task).map((timer) => ({
      ...timer,
      taskId: id,
      revision,
      attempt,
      ...(leaseEpoch !== undefined && { leaseEpoch }),
      ...(approval && { requestedAt: approval.requestedAt }),
    }));
  }

  /** As after the loss of every cache and checkpoint: all over again, and nothing may come of it. */
  async again(): Promise<void> {
    const before = await this.history();
    const notices = this.notices.sent.length;
    this.streams.forget(TASK_ID);
    for (const event of before) await this.deliver(event, `again/${event.id}`);
    const after = await this.types();
    const told = this.notices.sent.length - notices;
    if (after.length > before.length || told > 0) {
      const types = after.slice(before.length).join(', ');
      throw new Error(`The history played again brought ${types} and ${told} notices.`);
    }
  }

  private async deliver(event: StoredTaskEvent, id: string): Promise<void> {
    const { metadata } = event;
    for (const { saga, on, react } of this.onEvents) {
      if (on.type !== event.event.type) continue;
      const cause = { id, correlationId: metadata.$correlationId, causationId: event.id };
      await this.commands.send(saga, cause, react(event), NEVER);
    }
  }

  private async run(timer: DueTimer, id: string): Promise<void> {
    for (const { saga, on, react } of this.onDue) {
      if (!on.includes(timer.kind)) continue;
      await this.commands.send(saga, { id }, react(timer), NEVER);
    }
  }
}

const NEVER = new AbortController().signal;

/** More timers than any test lets fire in one go. */
const MAX_STEPS = 200;

/** Another cause of the same commands. */
const OTHER = 'other';

const nameOf = ({ taskId, revision, kind }: DueTimer): string => `${taskId}/${revision}/${kind}`;
