/**
 * Random commands, in any order, from anybody, at any time: what the handlers answer must be what the
 * model in `test/model` says, and what they leave in the log must tell the same story to everyone who
 * reads it. `DECIDER_RUNS` sets how many sequences are tried; a failure prints the seed and the shortest
 * sequence found.
 */
import { isDeepStrictEqual } from 'node:util';
import { Logger, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { Actor, CommandAnswer, TaskInfo, TaskStatus } from '@taskmanager/protocol';
import fc from 'fast-check';
import { v5 } from 'uuid';
import { AcknowledgeCancel } from '../src/commands/acknowledge-cancel.command.js';
import { AcknowledgeCancelHandler } from '../src/commands/acknowledge-cancel.handler.js';
import { AcknowledgePause } from '../src/commands/acknowledge-pause.command.js';
import { AcknowledgePauseHandler } from '../src/commands/acknowledge-pause.handler.js';
import { ApproveTask } from '../src/commands/approve-task.command.js';
import { ApproveTaskHandler } from '../src/commands/approve-task.handler.js';
import { ApproverNotices } from '../src/commands/approver-notices.port.js';
import { CancelTask } from '../src/commands/cancel-task.command.js';
import { CancelTaskHandler } from '../src/commands/cancel-task.handler.js';
import { CommandExecutor } from '../src/commands/command-executor.js';
import { CompleteTask } from '../src/commands/complete-task.command.js';
import { CompleteTaskHandler } from '../src/commands/complete-task.handler.js';
import { CreateTask } from '../src/commands/create-task.command.js';
import { CreateTaskHandler } from '../src/commands/create-task.handler.js';
import { DeleteTask } from '../src/commands/delete-task.command.js';
import { DeleteTaskHandler } from '../src/commands/delete-task.handler.js';
import { FailTask } from '../src/commands/fail-task.command.js';
import { FailTaskHandler } from '../src/commands/fail-task.handler.js';
import { ImportedTasks } from '../src/commands/imported-tasks.port.js';
import { ClaimTask } from '../src/commands/internal/claim-task.command.js';
import { ClaimTaskHandler } from '../src/commands/internal/claim-task.handler.js';
import { CleanUpTask } from '../src/commands/internal/clean-up-task.command.js';
import { CleanUpTaskHandler } from '../src/commands/internal/clean-up-task.handler.js';
import { ExpireApproval } from '../src/commands/internal/expire-approval.command.js';
import { ExpireApprovalHandler } from '../src/commands/internal/expire-approval.handler.js';
import { ExpireClock } from '../src/commands/internal/expire-clock.command.js';
import { ExpireClockHandler } from '../src/commands/internal/expire-clock.handler.js';
import { ExpireLease } from '../src/commands/internal/expire-lease.command.js';
import { ExpireLeaseHandler } from '../src/commands/internal/expire-lease.handler.js';
import { NotifyApprovers } from '../src/commands/internal/notify-approvers.command.js';
import { NotifyApproversHandler } from '../src/commands/internal/notify-approvers.handler.js';
import { PauseRunningTask } from '../src/commands/internal/pause-running-task.command.js';
import { PauseRunningTaskHandler } from '../src/commands/internal/pause-running-task.handler.js';
import { PerformRetry } from '../src/commands/internal/perform-retry.command.js';
import { PerformRetryHandler } from '../src/commands/internal/perform-retry.handler.js';
import { ScheduleRetry } from '../src/commands/internal/schedule-retry.command.js';
import { ScheduleRetryHandler } from '../src/commands/internal/schedule-retry.handler.js';
import { PauseTask } from '../src/commands/pause-task.command.js';
import { PauseTaskHandler } from '../src/commands/pause-task.handler.js';
import {
  NOTHING_YET,
  type Part,
  partsOf,
  withEvent,
} from '../src/commands/imports/imported-history.js';
import { RefusalRecorder } from '../src/commands/refusal-recorder.js';
import { RejectTask } from '../src/commands/reject-task.command.js';
import { RejectTaskHandler } from '../src/commands/reject-task.handler.js';
import { ReleaseTask } from '../src/commands/release-task.command.js';
import { ReleaseTaskHandler } from '../src/commands/release-task.handler.js';
import { RenewLease } from '../src/commands/renew-lease.command.js';
import { RenewLeaseHandler } from '../src/commands/renew-lease.handler.js';
import { RequestApproval } from '../src/commands/request-approval.command.js';
import { RequestApprovalHandler } from '../src/commands/request-approval.handler.js';
import { ResumeTask } from '../src/commands/resume-task.command.js';
import { ResumeTaskHandler } from '../src/commands/resume-task.handler.js';
import { RetryTask } from '../src/commands/retry-task.command.js';
import { RetryTaskHandler } from '../src/commands/retry-task.handler.js';
import { StartTask } from '../src/commands/start-task.command.js';
import { StartTaskHandler } from '../src/commands/start-task.handler.js';
import { TaskStreams } from '../src/commands/task-streams.js';
import { UpdateTaskData } from '../src/commands/update-task-data.command.js';
import { UpdateTaskDataHandler } from '../src/commands/update-task-data.handler.js';
import { UpdateTaskError } from '../src/commands/update-task-error.command.js';
import { UpdateTaskErrorHandler } from '../src/commands/update-task-error.handler.js';
import { UpdateTaskProgress } from '../src/commands/update-task-progress.command.js';
import { UpdateTaskProgressHandler } from '../src/commands/update-task-progress.handler.js';
import { UpdateTaskStatus } from '../src/commands/update-task-status.command.js';
import { UpdateTaskStatusHandler } from '../src/commands/update-task-status.handler.js';
import {
  Clock,
  type CommandContext,
  Ids,
  Refusal,
  TimeOrderedIds,
  withContext,
} from '../src/context/index.js';
import { EventLog } from '../src/event-store/index.js';
import { MemoryEventLog } from '../src/event-store/memory/index.js';
import { decodeTaskEvent } from '../src/events/index.js';
import { KnownImports } from '../src/projections/imports/known-imports.js';
import { type Task, evolve, toTaskInfo } from '../src/task/index.js';
import {
  CHANNELS,
  type ExpectedEvent,
  type ModelTask,
  type Sent,
  evolveModel,
  expected,
  isFinal,
  noticeTime,
  retryWindow,
  willRetry,
} from './model/reference-model.js';
import { foldStored, readFact, verifyChain } from './model/task-fold.js';

const RUNS = Number(process.env['DECIDER_RUNS'] ?? 2_000);
const START = Date.UTC(2030, 0, 1);
const TRIES_AFTER_THE_END = 8;

interface Handler {
  execute(command: object): Promise<CommandAnswer>;
}

/** Every command about one task, by its name on the wire or, when it has none, its class. */
const COMMANDS: Readonly<Record<string, readonly [Type<object>, Type<Handler>]>> = {
  create_task: [CreateTask, CreateTaskHandler],
  update_task_status: [UpdateTaskStatus, UpdateTaskStatusHandler],
  update_task_progress: [UpdateTaskProgress, UpdateTaskProgressHandler],
  update_task_error: [UpdateTaskError, UpdateTaskErrorHandler],
  update_task_data: [UpdateTaskData, UpdateTaskDataHandler],
  start_task: [StartTask, StartTaskHandler],
  pause_task: [PauseTask, PauseTaskHandler],
  resume_task: [ResumeTask, ResumeTaskHandler],
  cancel_task: [CancelTask, CancelTaskHandler],
  delete_task: [DeleteTask, DeleteTaskHandler],
  complete_task: [CompleteTask, CompleteTaskHandler],
  fail_task: [FailTask, FailTaskHandler],
  retry_task: [RetryTask, RetryTaskHandler],
  request_approval: [RequestApproval, RequestApprovalHandler],
  approve_task: [ApproveTask, ApproveTaskHandler],
  reject_task: [RejectTask, RejectTaskHandler],
  renew_lease: [RenewLease, RenewLeaseHandler],
  release_task: [ReleaseTask, ReleaseTaskHandler],
  acknowledge_pause: [AcknowledgePause, AcknowledgePauseHandler],
  acknowledge_cancel: [AcknowledgeCancel, AcknowledgeCancelHandler],
  ClaimTask: [ClaimTask, ClaimTaskHandler],
  PauseRunningTask: [PauseRunningTask, PauseRunningTaskHandler],
  CleanUpTask: [CleanUpTask, CleanUpTaskHandler],
  ExpireLease: [ExpireLease, ExpireLeaseHandler],
  ExpireApproval: [ExpireApproval, ExpireApprovalHandler],
  ExpireClock: [ExpireClock, ExpireClockHandler],
  ScheduleRetry: [ScheduleRetry, ScheduleRetryHandler],
  PerformRetry: [PerformRetry, PerformRetryHandler],
  NotifyApprovers: [NotifyApprovers, NotifyApproversHandler],
};

class SettableClock extends Clock {
  time = START;
  override now(): number {
    return this.time;
  }
}

const actor = (id: string, ...roles: string[]): Actor => ({ id, roles, verified: true });
const ACTORS = [
  actor('app', 'client'),
  actor('worker', 'worker'),
  actor('ann', 'approver'),
  actor('bob', 'approver', 'finance'),
  actor('root', 'admin'),
];
const SERVICE = actor('service');

/** A command as it is drawn; what depends on the task's state is filled in when its turn comes. */
interface Step {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly actor: Actor;
  /** Milliseconds that the clock moves before; below 0 it goes back. */
  readonly tick: number;
  /** Which lease it names. */
  readonly lease?: 'present' | 'none' | 'last' | 'next';
  /** Whether time moves on to when a timer is due. */
  readonly due?: boolean;
  /** Which earlier command is sent again, counted back. */
  readonly again?: number;
}

const text = fc.constantFrom('no disk', 'timeout', 'ünïcödé ✓');
const json = fc.oneof(
  fc.constant(null),
  fc.constant({ a: [1, 'é', false], b: { c: null } }),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>,
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const reason = maybe(text);
const duration = fc.constantFrom(1_000, 5_000, 60_000);
const lease = fc.constantFrom('present', 'present', 'present', 'present', 'none', 'last', 'next');
const who = fc.constantFrom('app', 'ann', 'bob', 'role:approver', 'role:finance');
const notEmpty = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;

const step = (
  name: string,
  args: Record<string, fc.Arbitrary<unknown>> = {},
  more: Record<string, fc.Arbitrary<unknown>> = {},
): fc.Arbitrary<Step> =>
  fc.record({
    name: fc.constant(name),
    args: fc.record(args).map(notEmpty),
    actor: fc.constantFrom(...ACTORS),
    tick: fc.constantFrom(0, 0, 1, 400, 1_500, 20_000, 70_000, -5_000),
    ...more,
  });

const creation = step('create_task', {
  name: fc.constant('Publish'),
  taskType: fc.constant('publish'),
  appName: fc.constant('packages'),
  runBy: maybe(fc.constantFrom('app', 'worker')),
  data: maybe(json),
  input: maybe(json),
  persistent: fc.constantFrom(true, true, false, undefined),
  maxRetries: maybe(fc.constantFrom(0, 1, 5)),
  retryDelayMs: maybe(duration),
  backoff: maybe(
    fc.constantFrom<object>(
      { type: 'fixed' },
      { type: 'exponential' },
      { type: 'exponential', maxDelayMs: 1_500 },
    ),
  ),
  priority: maybe(fc.constantFrom(-1, 7)),
  labels: maybe(fc.constant({ team: 'a', '1': 'b' })),
  timeouts: fc
    .record({ queueMs: maybe(duration), runMs: maybe(duration), totalMs: maybe(duration) })
    .map(notEmpty),
  runAt: maybe(fc.constantFrom(START - 1, START + 30_000)),
});

const items = fc
  .tuple(fc.constantFrom(0, 10, 10, 10, 7), fc.nat(11))
  .map(([totalItems, completedItems]) => ({ completedItems, totalItems }));
const percent = fc.constantFrom(0, 12.5, 50, 80, 100).map((progress) => ({ progress }));
const progress: fc.Arbitrary<Step> = fc
  .tuple(
    step('update_task_progress', { message: reason }, { lease }),
    fc.oneof(
      { weight: 5, arbitrary: items },
      { weight: 2, arbitrary: percent },
      {
        weight: 1,
        arbitrary: fc.tuple(items, percent).map(([one, other]) => ({ ...one, ...other })),
      },
    ),
  )
  .map(([drawn, amounts]) => ({ ...drawn, args: { ...drawn.args, ...amounts } }));

const ENDED: readonly TaskStatus[] = ['completed', 'failed', 'cancelled'];
const due = fc.constantFrom(true, true, true, false);

const anyStep = fc.oneof(
  { weight: 24, arbitrary: progress },
  {
    weight: 24,
    arbitrary: step('start_task', {
      reason,
      leased: fc.boolean(),
      leaseMs: duration,
      workerId: maybe(fc.constant('w3')),
    }),
  },
  { weight: 12, arbitrary: step('ClaimTask', { workerId: fc.constant('w2'), leaseMs: duration }) },
  { weight: 16, arbitrary: step('pause_task', { reason }) },
  { weight: 16, arbitrary: step('resume_task', { reason }) },
  { weight: 1, arbitrary: step('cancel_task', { reason }) },
  { weight: 1, arbitrary: step('delete_task', { reason }) },
  { weight: 5, arbitrary: step('complete_task', { result: maybe(json) }, { lease }) },
  {
    weight: 6,
    arbitrary: step('fail_task', { error: text, retryable: maybe(fc.boolean()) }, { lease }),
  },
  { weight: 30, arbitrary: step('retry_task', { reason, force: maybe(fc.boolean()) }) },
  {
    weight: 16,
    arbitrary: step(
      'request_approval',
      {
        approvers: maybe(fc.uniqueArray(who, { maxLength: 3 })),
        quorum: maybe(fc.constantFrom(1, 2)),
        allowSelf: maybe(fc.boolean()),
        dueIn: maybe(duration),
        remindEveryMs: maybe(duration),
        escalation: maybe(
          fc.record({
            escalateTo: fc.uniqueArray(who, { minLength: 1, maxLength: 2 }),
            escalateAfterMs: duration,
          }),
        ),
        onApproved: maybe(fc.constantFrom('resume', 'complete')),
        result: maybe(json),
        comment: reason,
      },
      { lease },
    ),
  },
  { weight: 30, arbitrary: step('approve_task', { comment: reason }) },
  { weight: 1, arbitrary: step('reject_task', { reason: text }) },
  {
    weight: 8,
    arbitrary: step(
      'renew_lease',
      { leaseMs: maybe(duration), checkpoint: maybe(json) },
      { lease },
    ),
  },
  { weight: 4, arbitrary: step('release_task', { checkpoint: maybe(json), reason }, { lease }) },
  { weight: 8, arbitrary: step('acknowledge_pause', { checkpoint: maybe(json) }, { lease }) },
  { weight: 4, arbitrary: step('acknowledge_cancel', {}, { lease }) },
  { weight: 4, arbitrary: step('update_task_data', { data: json }, { lease }) },
  { weight: 4, arbitrary: step('update_task_error', { error: text }) },
  {
    weight: 24,
    arbitrary: step(
      'update_task_status',
      {
        status: fc.oneof(
          { weight: 3, arbitrary: fc.constant('pending') },
          { weight: 6, arbitrary: fc.constant('running') },
          { weight: 3, arbitrary: fc.constantFrom('paused', 'waiting_for_approval') },
          { weight: 1, arbitrary: fc.constantFrom('completed', 'failed', 'cancelled') },
        ),
        error: maybe(text),
        result: maybe(json),
        reason,
      },
      { lease },
    ),
  },
  { weight: 4, arbitrary: creation },
  { weight: 4, arbitrary: step('PauseRunningTask', { reason }) },
  {
    weight: 4,
    arbitrary: step('CleanUpTask', {
      statuses: fc.constantFrom(ENDED, ['failed']),
      age: fc.constantFrom(0, 60_000),
    }),
  },
  { weight: 20, arbitrary: step('ExpireLease', {}, { due, lease }) },
  { weight: 8, arbitrary: step('ExpireApproval', {}, { due }) },
  {
    weight: 8,
    arbitrary: step('ExpireClock', { clock: fc.constantFrom('queue', 'run', 'total') }, { due }),
  },
  { weight: 12, arbitrary: step('ScheduleRetry', {}, { due }) },
  { weight: 12, arbitrary: step('PerformRetry', {}, { due }) },
  {
    weight: 8,
    arbitrary: step(
      'NotifyApprovers',
      { kind: fc.constantFrom('requested', 'reminder', 'escalation') },
      { due },
    ),
  },
  { weight: 8, arbitrary: step('again', {}, { again: fc.nat(8) }) },
  { weight: 4, arbitrary: step('forget') },
);

/** Steps that seldom follow each other by chance, and lead somewhere together. */
const then = (name: string, args: object = {}, more: object = {}): fc.Arbitrary<Step> =>
  step(name).map((drawn) => ({ ...drawn, tick: 0, args: { ...args }, ...more }));
const taken = then('start_task', { leased: true, leaseMs: 5_000 });
const PRESENT = { lease: 'present' };
const DUE = { lease: 'present', due: true };
const stalled = fc.tuple(taken, then('renew_lease', {}, PRESENT), then('ExpireLease', {}, DUE));
const stalls = fc.array(stalled, { minLength: 2, maxLength: 5 }).map((each) => each.flat());
const retries = fc.tuple(
  then('fail_task', { error: 'no disk' }),
  then('ScheduleRetry', {}, DUE),
  then('PerformRetry'),
  then('PerformRetry', {}, DUE),
);
const pauses = fc.tuple(
  taken,
  then('pause_task'),
  fc.oneof(
    then('acknowledge_pause', {}, PRESENT),
    then('ExpireLease', {}, DUE),
    then('renew_lease', {}, PRESENT),
    then('resume_task'),
  ),
  fc.oneof(then('resume_task'), then('update_task_status', { status: 'running' })),
);
const TO_FINANCE = { escalateTo: ['role:finance'], escalateAfterMs: 1_000 };
const notice = fc
  .constantFrom('requested', 'reminder', 'escalation')
  .chain((kind) => then('NotifyApprovers', { kind }, DUE));
const votes = fc.tuple(
  fc.oneof(taken, then('start_task')),
  fc.oneof(
    then('request_approval', { quorum: 2, result: 1 }, PRESENT),
    then('request_approval', { quorum: 2, onApproved: 'complete' }, PRESENT),
    then('request_approval', { approvers: ['ann'], escalation: TO_FINANCE }, PRESENT),
    then('request_approval', { quorum: 2, remindEveryMs: 1_000 }, PRESENT),
  ),
  fc.oneof(then('approve_task'), then('complete_task', { result: 2 })),
  fc.oneof(then('approve_task'), notice),
  fc.oneof(then('approve_task'), notice),
  fc.oneof(then('approve_task'), then('reject_task', { reason: 'no' })),
  fc.oneof(then('pause_task'), then('ExpireClock', { clock: 'run' }, DUE)),
  then('resume_task'),
);
const cancellations = fc.tuple(
  fc.oneof(taken, then('start_task', { workerId: 'w3' }), then('start_task')),
  fc.oneof(then('cancel_task'), then('delete_task'), then('pause_task')),
  fc.oneof(then('acknowledge_cancel', {}, PRESENT), then('cancel_task')),
  fc.oneof(
    then('acknowledge_cancel', {}, PRESENT),
    then('acknowledge_cancel', {}, { lease: 'next' }),
  ),
);
const reports = fc
  .tuple(
    fc.oneof(taken, then('start_task')),
    fc.array(
      progress.map((drawn) => ({ ...drawn, lease: 'present' as const })),
      { minLength: 2, maxLength: 6 },
    ),
  )
  .map(([begun, said]) => [begun, ...said]);
const chunks = fc.oneof(
  { weight: 40, arbitrary: anyStep.map((each) => [each]) },
  ...[stalls, retries, pauses, votes, cancellations, reports].map((arbitrary) => ({
    weight: 2,
    arbitrary: arbitrary,
  })),
);

const fromService = (name: string): boolean => /^[A-Z]/.test(name);

/** The earliest time at which the timer of this command would send it. */
function dueTime(model: ModelTask, { name, args }: Step): number | undefined {
  const { info } = model.fold;
  switch (name) {
    case 'ExpireLease':
      return info.leaseExpiresAt;
    case 'ExpireApproval':
      return info.approval?.dueAt;
    case 'ExpireClock':
      return model.running[args['clock'] as 'queue'];
    case 'PerformRetry':
      return info.nextRetryAt;
    case 'NotifyApprovers':
      return noticeTime(model, args['kind'] as string);
    default:
      return undefined;
  }
}

/** The command's fields, with what depends on the task's state and the time. */
function fieldsOf(drawn: Step, model: ModelTask, now: number): Record<string, unknown> {
  const { leased, age, dueIn, escalation, ...args }: Record<string, unknown> = drawn.args;
  const { info } = model.fold;
  if (drawn.lease === 'present') {
    // Who holds no lease names none, but for the messages that must.
    const holds = model.fold.leased || model.cutOff || mustName(drawn.name);
    if (holds) args['leaseEpoch'] = info.leaseEpoch ?? 1;
  }
  if (drawn.lease === 'last' && info.leaseEpoch !== undefined) args['leaseEpoch'] = info.leaseEpoch;
  if (drawn.lease === 'next') args['leaseEpoch'] = (info.leaseEpoch ?? 0) + 1;
  if (mustName(drawn.name)) args['leaseEpoch'] ??= 1;
  if (args['leaseEpoch'] !== undefined && drawn.name !== 'ExpireLease') {
    args['workerId'] = info.workerId ?? 'w1';
  }
  switch (drawn.name) {
    case 'start_task':
      if (leased) args['workerId'] ??= 'w1';
      else delete args['leaseMs'];
      break;
    case 'ClaimTask':
      args['claimId'] = '5f6a8f0e-2c54-4c6c-9d6b-3d6f6c1f8a01';
      break;
    case 'request_approval':
      if (dueIn !== undefined) args['dueAt'] = now + (dueIn as number);
      Object.assign(args, escalation);
      break;
    case 'CleanUpTask':
      args['completedBefore'] = now - (age as number);
      break;
    case 'ExpireApproval':
    case 'NotifyApprovers':
      args['requestedAt'] = info.approval?.requestedAt ?? now;
      break;
    case 'ExpireClock':
      args['dueAt'] = dueTime(model, drawn) ?? now;
      break;
    case 'ScheduleRetry':
      args['failedRevision'] = (model.failedRevision ?? 0) - (drawn.due ? 0 : 1);
      args['failedEventId'] = model.failedEventId ?? info.id;
      args['failedAt'] = model.failedAt ?? now;
      break;
    case 'PerformRetry':
      args['attempt'] = info.attempt;
      break;
  }
  return args;
}

const mustName = (name: string): boolean =>
  ['renew_lease', 'release_task', 'ExpireLease'].includes(name);

const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const show = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? Number(each) : each));

function demand(what: string, found: unknown, wanted: unknown, about: unknown): void {
  if (isDeepStrictEqual(found, wanted)) return;
  throw new Error(`${what}: found ${show(found)}, wanted ${show(wanted)}\nof ${show(about)}`);
}

/** The data is what the model says, but for the fields that the design leaves open. */
function demandData({ type, data = {}, open = [] }: ExpectedEvent, found: object, about: unknown) {
  const known = Object.entries(found).filter(([key]) => !open.includes(key));
  demand(`data of ${type}`, Object.fromEntries(known), plain(data), about);
}

let sequence = 0;
const nextId = (): string =>
  `00000000-0000-4000-8000-${(++sequence).toString(16).padStart(12, '0')}`;

interface Issued {
  readonly sent: Sent;
  readonly context: CommandContext;
  /** What it answered, if it took effect. */
  readonly answer?: CommandAnswer;
}

describe('the deciders', () => {
  const clock = new SettableClock();
  const log = new MemoryEventLog();
  let handlers: ReadonlyMap<string, Handler>;
  let executor: CommandExecutor;
  let streams: TaskStreams;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    const module = await Test.createTestingModule({
      providers: [
        CommandExecutor,
        RefusalRecorder,
        TaskStreams,
        ...Object.values(COMMANDS).map(([, handler]) => handler),
        { provide: EventLog, useValue: log },
        { provide: ImportedTasks, useClass: KnownImports },
        { provide: Clock, useValue: clock },
        { provide: Ids, useClass: TimeOrderedIds },
        { provide: ApproverNotices, useValue: { send: () => Promise.resolve(CHANNELS) } },
      ],
    }).compile();
    executor = module.get(CommandExecutor);
    streams = module.get(TaskStreams);
    handlers = new Map(
      Object.entries(COMMANDS).map(([name, [, handler]]) => [name, module.get(handler)]),
    );
  });

  afterAll(() => log.close());

  /** One task's life: the model walks beside it. */
  class Life {
    readonly id = nextId();
    readonly stream = `task-${this.id}`;
    readonly issued: Issued[] = [];
    model: ModelTask | undefined;

    async play(drawn: Step): Promise<void> {
      clock.time += drawn.tick;
      if (drawn.name === 'forget') return streams.forget(this.id);
      if (drawn.name === 'again') return this.sendAgain(drawn.again ?? 0);

      if (drawn.due && this.model) {
        const time = dueTime(this.model, drawn);
        if (time !== undefined) clock.time = Math.max(clock.time, time);
      }
      const args = this.model ? fieldsOf(drawn, this.model, this.now()) : { ...drawn.args };
      if (drawn.name === 'create_task' && this.model) args['priority'] = 99;
      const commandId = nextId();
      const context: CommandContext = {
        actor: fromService(drawn.name) ? SERVICE : drawn.actor,
        commandId,
        correlationId: commandId,
        causationId: commandId,
        transport: fromService(drawn.name) ? 'internal' : 'tcp',
        resent: false,
        now: 0,
      };
      await this.send({ name: drawn.name, args, actor: context.actor, now: this.now() }, context);
    }

    /** max(clock, the stream's last timestamp): what every decision sees. */
    private now(): number {
      return Math.max(clock.time, this.model?.fold.info.updatedAt ?? 0);
    }

    private async sendAgain(back: number): Promise<void> {
      const before = this.issued.at(-1 - back);
      if (!before) return;
      const context = { ...before.context, resent: back % 2 === 0 };
      const first = this.issued.find(
        ({ context: { commandId }, answer }) => answer && commandId === context.commandId,
      );
      if (!first?.answer) return this.send({ ...before.sent, now: this.now() }, context);
      const answer = await this.execute(before.sent, context);
      demand(
        'answer of a repeated command',
        plain(answer),
        { ...first.answer, repeated: true },
        before,
      );
    }

    private execute({ name, args }: Sent, context: CommandContext): Promise<CommandAnswer> {
      const [message] = COMMANDS[name]!;
      const command = Object.assign(new message(), args, { id: this.id });
      return handlers.get(name)!.execute(withContext(command, context));
    }

    private async send(sent: Sent, context: CommandContext): Promise<void> {
      const outcome = expected(this.model, sent);
      if (outcome.kind === 'unspecified') return;
      const about = { sent, task: this.model };
      const issued: Issued = { sent, context };

      const answered = await this.execute(sent, context).catch((error: unknown) => {
        if (error instanceof Refusal) return error;
        throw error;
      });
      if (answered instanceof Refusal) {
        this.issued.push(issued);
        if (outcome.kind === 'skipped') return;
        if (outcome.kind !== 'refused' || !outcome.codes.includes(answered.code)) {
          throw new Error(
            `refused: ${answered.code} ${answered.message}\nof ${show({ outcome, ...about })}`,
          );
        }
        const said = show(answered.details ?? {}) + answered.message;
        demand('mention', said.includes(outcome.mentions ?? ''), true, { said, ...about });
        return;
      }
      const answer = plain(answered);
      const events = outcome.kind === 'events' ? outcome.events : [];
      demand(
        'events',
        outcome.kind === 'refused' ? answer : answer.events.map(({ type }) => type),
        outcome.kind === 'refused' ? outcome : events.map(({ type }) => type),
        about,
      );
      await this.follow(sent, context, answer, events);
      this.issued.push(events.length > 0 ? { ...issued, answer } : issued);
    }

    /** Reads what was appended, holds it against what was expected, and moves the model on. */
    private async follow(
      sent: Sent,
      context: CommandContext,
      answer: CommandAnswer,
      events: readonly ExpectedEvent[],
    ): Promise<void> {
      const about = { sent, task: this.model };
      const from = BigInt((this.model?.fold.info.revision ?? -1) + 1);
      const records = await log.readStream(this.stream, { from });
      demand(
        'events in the answer',
        answer.events,
        records.map(({ id, type, revision }) => ({ id, type, revision: Number(revision) })),
        about,
      );
      records.forEach((record, index) => {
        const before = this.model;
        const fact = { ...readFact(record), id: record.id };
        const metadata = JSON.parse(record.metadata) as Record<string, unknown>;
        demandData(events[index]!, fact.data, about);
        if (before && fact.type === 'TaskFailed') {
          const due = willRetry(before, fact.data['retryable'] === true);
          demand('willRetry', fact.data['willRetry'], due, about);
        }
        if (before && fact.type === 'TaskRetryScheduled') {
          const [first, last] = retryWindow(before, sent.args['failedAt'] as number);
          const dueAt = fact.data['dueAt'] as number;
          demand('dueAt in its window', first <= dueAt && dueAt <= last, true, { dueAt, ...about });
        }
        this.model = evolveModel(before, this.id, fact);
        const { status, attempt, workerId } = this.model.fold.info;
        demand(
          `metadata of ${fact.type}`,
          [
            metadata['timestamp'],
            metadata['actor'],
            metadata['commandId'],
            metadata['status'],
            metadata['attempt'],
            metadata['workerId'],
          ],
          // What takes a task from its worker is still about that worker.
          [
            sent.now,
            sent.actor,
            context.commandId,
            status,
            attempt,
            workerId ?? before?.fold.info.workerId,
          ],
          about,
        );
        demand('event id', record.id, v5(`${this.stream}/${index}`, context.commandId), about);
      });
      const info = this.model!.fold.info;
      const { taskId, taskType, status, revision } = answer;
      demand(
        'answer',
        { taskId, taskType, status, revision },
        { taskId: info.id, taskType: info.taskType, status: info.status, revision: info.revision },
        about,
      );
    }

    /** Everybody who reads the stream is told the same. */
    async tell(): Promise<void> {
      const records = await log.readStream(this.stream, { limit: 10_000 });
      const refusals = await log.readStream(`refused-${this.id}`, { limit: 10_000 });
      demand('hash chain', verifyChain(records), [], this.id);
      demand('hash chain of refusals', verifyChain(refusals), [], this.id);
      demand('count', records.length, (this.model?.fold.info.revision ?? -1) + 1, this.id);

      let replayed: Task | undefined;
      for (const record of records) replayed = evolve(replayed, decodeTaskEvent(record));
      demand('replayed state', plain(replayed), plain(await executor.peek(this.id)), records);
      const info: TaskInfo | undefined = foldStored(records);
      demand('TaskInfo', replayed && plain(toTaskInfo(replayed)), info && plain(info), records);
      demand('model', info, this.model?.fold.info, records);

      // What this service has written, another one takes; of every fourth life, for it takes its time.
      if (!/[048c]$/.test(this.id)) return;
      const [own, refused] = partsOf(this.id, 1) as [Part, Part];
      let taken = NOTHING_YET;
      for (const [part, written] of [[own, records] as const, [refused, refusals] as const]) {
        for (const { stream, revision, id, type, data, metadata } of written) {
          const event = { stream, revision: Number(revision), id, type, data, metadata };
          taken = withEvent(taken, this.id, part, event);
        }
      }
      demand('imported', taken.task && plain(taken.task), plain(replayed), records);
    }
  }

  it('answer every sequence of commands as the model does', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        creation,
        fc.array(chunks, { maxLength: 50, size: 'max' }),
        async (first, steps) => {
          clock.time = START;
          let life = new Life();
          const end = async () => {
            await life.tell();
            for (const { answer } of life.issued) {
              const types = answer?.events.map(({ type }) => type).join('+') ?? 'nothing';
              seen.set(types, (seen.get(types) ?? 0) + 1);
            }
          };
          let over = 0;
          for (const each of [first, ...steps.flat()]) {
            // Little can happen to a task that is over: after some tries the next one begins.
            if (over > TRIES_AFTER_THE_END) {
              await end();
              life = new Life();
              await life.play(first);
              over = 0;
            }
            await life.play(each);
            if (life.model && isFinal(life.model)) over++;
            const status =
              life.model && `${life.model.fold.info.status}${isFinal(life.model) ? '!' : ''}`;
            seen.set(status ?? 'none', (seen.get(status ?? 'none') ?? 0) + 1);
          }
          await end();
        },
      ),
      { numRuns: RUNS },
    );
    if (process.env['DECIDER_SEEN']) process.stdout.write(`${show(Object.fromEntries(seen))}\n`);
  }, 600_000);

  it('answer a command again while it is among the last hundred, from the cache and from the log', async () => {
    clock.time = START;
    const life = new Life();
    const sent = { actor: ACTORS[0]!, tick: 1 };
    await life.play({
      ...sent,
      name: 'create_task',
      args: { name: 'Long', taskType: 'long', appName: 'packages' },
    });
    for (let n = 0; n < 600; n++) {
      await life.play({ ...sent, name: 'update_task_data', args: { data: n } });
    }
    for (const back of [0, 1, 98, 99]) {
      await life.play({ ...sent, name: 'again', args: {}, again: back });
      await life.play({ ...sent, name: 'forget', args: {} });
      await life.play({ ...sent, name: 'again', args: {}, again: back });
    }
    await life.tell();
  });
});
