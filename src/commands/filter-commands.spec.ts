import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import type { BatchAnswer, ClaimAnswer, CleanupAnswer, CommandAnswer } from '@taskmanager/protocol';
import { Clock, type CommandContext, Ids, TimeOrderedIds, withContext } from '../context/index.js';
import { EventLog, LogUnavailable } from '../event-store/index.js';
import { MemoryEventLog } from '../event-store/memory/index.js';
import { refusalStream, taskStream } from '../events/index.js';
import { KnownImports } from '../projections/imports/known-imports.js';
import { KnownTaskTypes } from '../projections/task-types/known-task-types.js';
import { KnownWorkers } from '../projections/workers/known-workers.js';
import { NOW, SetClock, contextFor, intactStream } from '../../test/given.js';
import { Batch } from './batch.command.js';
import { BatchHandler } from './batch.handler.js';
import { CancelTask } from './cancel-task.command.js';
import { CancelTaskHandler } from './cancel-task.handler.js';
import { ClaimTasks } from './claim-tasks.command.js';
import { ClaimTasksHandler } from './claim-tasks.handler.js';
import { CleanupTasks } from './cleanup-tasks.command.js';
import { CleanupTasksHandler } from './cleanup-tasks.handler.js';
import { CommandExecutor } from './command-executor.js';
import { CreateTask } from './create-task.command.js';
import { CreateTaskHandler } from './create-task.handler.js';
import { ClaimTaskHandler } from './internal/claim-task.handler.js';
import { CleanUpEndedTasksHandler } from './internal/clean-up-ended-tasks.handler.js';
import { CleanUpTaskHandler } from './internal/clean-up-task.handler.js';
import { PauseRunningTaskHandler } from './internal/pause-running-task.handler.js';
import { PauseAllRunningTasks } from './pause-all-running-tasks.command.js';
import { PauseAllRunningTasksHandler } from './pause-all-running-tasks.handler.js';
import { PauseTask } from './pause-task.command.js';
import { PauseTaskHandler } from './pause-task.handler.js';
import { RefusalRecorder } from './refusal-recorder.js';
import { ResumeLastPausedTask } from './resume-last-paused-task.command.js';
import { ResumeLastPausedTaskHandler } from './resume-last-paused-task.handler.js';
import { ResumeTaskHandler } from './resume-task.handler.js';
import { StandingClaims } from './standing-claims.js';
import { StartTask } from './start-task.command.js';
import { StartTaskHandler } from './start-task.handler.js';
import { ImportedTasks } from './imported-tasks.port.js';
import { type Found, TaskFinder } from './task-finder.port.js';
import { TaskStreams } from './task-streams.js';
import { TaskTypes } from './task-types.port.js';
import { Workers } from './workers.port.js';

/** Answers the ids that it was given, old news and all, and notes what it was asked. */
class ListedTasks extends TaskFinder {
  ids: string[] = [];
  heldIds: string[] = [];
  changed: string[] = [];
  readonly asked: object[] = [];
  readonly lookedAgain: string[] = [];
  readonly passedOn: string[] = [];
  readonly waitedFor: object[] = [];
  /** What came of places, and when the view was waited for. */
  readonly slots: string[] = [];
  /** What happens when a claim waits. */
  whileWaiting: () => Promise<boolean> = async () => false;

  private async found(search: { readonly limit: number }): Promise<Found> {
    this.asked.push(search);
    return {
      taskIds: this.ids.slice(0, search.limit),
      more: this.ids.length > search.limit,
    };
  }

  running(search: Parameters<TaskFinder['running']>[0]) {
    return this.found(search);
  }

  lastPaused(search: Parameters<TaskFinder['lastPaused']>[0]) {
    return this.found(search);
  }

  async changedLast(search: Parameters<TaskFinder['changedLast']>[0]) {
    this.asked.push(search);
    return { taskIds: this.changed, more: false };
  }

  ended(search: Parameters<TaskFinder['ended']>[0]) {
    return this.found(search);
  }

  claimable(search: Parameters<TaskFinder['claimable']>[0]) {
    return this.found(search);
  }

  async heldBy() {
    return this.heldIds;
  }

  waitForClaimable(...[wish]: Parameters<TaskFinder['waitForClaimable']>) {
    this.waitedFor.push(wish);
    return this.whileWaiting();
  }

  async caughtUp() {
    this.slots.push('caught up');
  }

  async takeSlot() {
    return true;
  }

  settleSlot(...[, start]: Parameters<TaskFinder['settleSlot']>) {
    this.slots.push(start ? 'held' : 'free');
  }

  passOn(taskTypes: readonly string[]) {
    this.passedOn.push(...taskTypes);
  }

  lookAgain(taskTypes: readonly string[]) {
    this.lookedAgain.push(...taskTypes);
  }
}

let log: MemoryEventLog;
let clock: SetClock;
let finder: ListedTasks;
let bus: CommandBus;

async function service(): Promise<CommandBus> {
  const module = await Test.createTestingModule({
    imports: [CqrsModule.forRoot()],
    providers: [
      { provide: EventLog, useValue: log },
      { provide: Clock, useValue: clock },
      { provide: Ids, useClass: TimeOrderedIds },
      { provide: TaskFinder, useValue: finder },
      { provide: ImportedTasks, useFactory: () => new KnownImports(log) },
      { provide: TaskTypes, useFactory: () => new KnownTaskTypes(log) },
      { provide: Workers, useFactory: () => new KnownWorkers(clock) },
      CommandExecutor,
      RefusalRecorder,
      TaskStreams,
      BatchHandler,
      CancelTaskHandler,
      ClaimTaskHandler,
      ClaimTasksHandler,
      StandingClaims,
      CleanUpEndedTasksHandler,
      CleanUpTaskHandler,
      CleanupTasksHandler,
      CreateTaskHandler,
      PauseAllRunningTasksHandler,
      PauseRunningTaskHandler,
      PauseTaskHandler,
      ResumeLastPausedTaskHandler,
      ResumeTaskHandler,
      StartTaskHandler,
    ],
  }).compile();
  await module.init();
  return module.get(CommandBus);
}

async function newService(): Promise<void> {
  log = new MemoryEventLog();
  clock = new SetClock();
  finder = new ListedTasks();
  bus = await service();
}

const prepared = <C extends object>(
  message: new () => C,
  fields: Partial<C>,
  context: Partial<CommandContext> = {},
): C =>
  withContext(
    Object.assign(new message(), fields),
    contextFor({ commandId: randomUUID(), ...context }),
  );

const send = <A = CommandAnswer>(...args: Parameters<typeof prepared>): Promise<A> =>
  bus.execute<object, A>(prepared(...args));

/** A task that has gone through these commands; answers its id. */
async function task(
  fields: Partial<CreateTask> = {},
  ...commands: (new () => { readonly id: string })[]
): Promise<string> {
  const named = { name: 'n', taskType: 'index', appName: 'app' };
  const { taskId } = await send(CreateTask, { ...named, ...fields });
  for (const command of commands) await send(command, { id: taskId });
  return taskId;
}

const typesOf = async (id: string) =>
  (await intactStream(log, taskStream(id))).map(({ type }) => type);

describe('pause_all_running_tasks', () => {
  beforeEach(newService);

  test('pauses what runs, skips what no longer does, and records no refusal', async () => {
    const running = await task({}, StartTask);
    const others = [await task(), await task({}, StartTask, PauseTask), randomUUID()];
    finder.ids = [...others, running];
    expect(await send(PauseAllRunningTasks, { reason: 'night' })).toEqual({
      taskIds: [running],
      more: false,
    });
    expect(await typesOf(running)).toEqual(['TaskCreated', 'TaskStarted', 'TaskPaused']);
    const [, , paused] = await log.readStream(taskStream(running));
    expect(JSON.parse(paused?.data ?? '')).toMatchObject({ reason: 'night' });
    for (const id of others) expect(await log.readStream(refusalStream(id))).toEqual([]);
  });

  test('asks for what was wanted, as new as was wanted, of the apps that the sender may touch', async () => {
    await send(PauseAllRunningTasks, { appName: 'app', reason: 'x' }, { apps: ['app'] });
    expect(finder.asked).toEqual([
      { appName: 'app', apps: ['app'], after: undefined, limit: 1_000 },
    ]);
  });

  test('skips a task of another app, whatever the view believes', async () => {
    const foreign = await task({ appName: 'other' }, StartTask);
    finder.ids = [foreign];
    expect(await send(PauseAllRunningTasks, {}, { apps: ['app'] })).toMatchObject({ taskIds: [] });
  });

  test('a log that is away fails the call', async () => {
    const running = await task({}, StartTask);
    finder.ids = [running];
    await log.close();
    await expect(send(PauseAllRunningTasks, {})).rejects.toThrow(LogUnavailable);
  });
});

describe('resume_last_paused_task', () => {
  beforeEach(newService);

  test('resumes the newest that still is, or answers null', async () => {
    const [newest, older] = [await task({}, StartTask), await task({}, StartTask, PauseTask)];
    finder.ids = [newest, older];
    expect(await send(ResumeLastPausedTask, {})).toMatchObject({
      taskId: older,
      status: 'running',
    });
    expect(await send(ResumeLastPausedTask, {})).toBeNull();
    expect(await log.readStream(refusalStream(newest))).toEqual([]);
  });

  test('asks for what was wanted, as new as was wanted, of the apps that the sender may touch', async () => {
    await send(ResumeLastPausedTask, { appName: 'app' }, { apps: ['app'] });
    expect(finder.asked).toEqual([{ appName: 'app', apps: ['app'], after: undefined, limit: 10 }]);
  });

  test('sent again it does not resume the next one', async () => {
    const [first, second] = [
      await task({}, StartTask, PauseTask),
      await task({}, StartTask, PauseTask),
    ];
    const context = { commandId: randomUUID() };
    finder.ids = [first, second];
    const answer = await send(ResumeLastPausedTask, {}, context);
    finder.ids = [second];
    expect(await send(ResumeLastPausedTask, {}, { ...context, resent: true })).toEqual({
      ...answer,
      repeated: true,
    });
    expect(await typesOf(second)).not.toContain('TaskResumed');
  });

  test('nor after a restart, whatever happened to the task since', async () => {
    const [first, second] = [
      await task({}, StartTask, PauseTask),
      await task({}, StartTask, PauseTask),
    ];
    const context = { commandId: randomUUID() };
    finder.ids = [first, second];
    const answer = await send(ResumeLastPausedTask, {}, context);
    await send(PauseTask, { id: first });
    bus = await service();
    finder.ids = [second];
    finder.changed = [...Array.from({ length: 120 }, () => randomUUID()), second, first];
    expect(
      await send(ResumeLastPausedTask, { appName: 'app' }, { ...context, resent: true }),
    ).toEqual({ ...answer, repeated: true });
    expect(await typesOf(second)).not.toContain('TaskResumed');
    expect(finder.asked).toContainEqual({ appName: 'app', apps: undefined, limit: 1_000 });
    expect(await send(ResumeLastPausedTask, {}, { resent: true })).toMatchObject({
      taskId: second,
    });
  });
});

describe('cleanup_tasks', () => {
  beforeEach(newService);

  test('deletes what ended an hour ago, and looks at each task itself', async () => {
    const old = await task({}, CancelTask);
    clock.time = NOW + 3_600_000;
    const young = await task({}, CancelTask);
    const open = await task();
    finder.ids = [old, young, open];
    const { position, ...counted } = await send<CleanupAnswer>(CleanupTasks, { appName: 'mine' });
    expect(counted).toEqual({ deleted: 1, more: false });
    expect(await typesOf(old)).toEqual(['TaskCreated', 'TaskCancelled', 'TaskDeleted']);
    expect(position).toBe(await log.head());
    expect(finder.asked).toEqual([
      {
        statuses: ['completed', 'failed', 'cancelled'],
        completedBefore: NOW,
        appName: 'mine',
        apps: undefined,
        after: undefined,
        limit: 1_000,
      },
    ]);
  });
});

describe('claim_tasks', () => {
  beforeEach(newService);

  const wish = { workerId: 'w1', taskTypes: ['index'] };
  const claim = (fields: Partial<ClaimTasks> = {}, context: Partial<CommandContext> = {}) =>
    send<ClaimAnswer>(ClaimTasks, { ...wish, ...fields }, context);
  const idsIn = ({ tasks }: ClaimAnswer) => tasks.map(({ id }) => id);
  const forWorkers = { runBy: 'worker' } as const;

  test('gives tasks under a lease, in the order they were found', async () => {
    finder.ids = [await task(forWorkers), await task(forWorkers), await task(forWorkers)];
    const { tasks } = await claim({ limit: 2, leaseMs: 5_000 });
    expect(tasks).toMatchObject(
      finder.ids.slice(0, 2).map((id) => ({
        id,
        status: 'running',
        workerId: 'w1',
        attempt: 1,
        leaseEpoch: 1,
        leaseExpiresAt: NOW + 5_000,
      })),
    );
    expect(tasks[0]).not.toHaveProperty('claimId');
  });

  test('looks past what is gone, taken, or for apps', async () => {
    const free = await task(forWorkers);
    finder.ids = [randomUUID(), await task(), await task(forWorkers, CancelTask), free];
    expect(idsIn(await claim({ limit: 10 }))).toEqual([free]);
    expect(idsIn(await claim({ limit: 10 }))).toEqual([]);
  });

  test('finds one that is free behind many that are not', async () => {
    const [held, free] = [await task(forWorkers), await task(forWorkers)];
    finder.ids = [held];
    await claim();
    finder.ids = [randomUUID(), await task(), await task(forWorkers, CancelTask), held, free];
    expect(idsIn(await claim())).toEqual([free]);
  });

  test('looks once when it finds what it wants, for what was wanted', async () => {
    finder.ids = [await task(forWorkers), await task(forWorkers)];
    await claim({}, { apps: ['app'] });
    expect(finder.asked).toEqual([
      { taskTypes: ['index'], now: NOW, apps: ['app'], after: undefined, limit: 1 },
    ]);
    expect(finder.lookedAgain).toEqual([]);
  });

  test('does not look further than one command may', async () => {
    finder.ids = Array.from({ length: 1_100 }, () => randomUUID());
    expect(await claim()).toEqual({ tasks: [] });
    expect(finder.asked.at(-1)).toMatchObject({ limit: 1_000 });
  });

  test('claims at the same time share what is there', async () => {
    for (let n = 0; n < 20; n++) finder.ids.push(await task(forWorkers));
    const answers = await Promise.all(Array.from({ length: 10 }, () => claim({ limit: 2 })));
    for (const answer of answers) expect([1, 2]).toContain(answer.tasks.length);
    const rest = await claim({ limit: 20 });
    const given = [...answers, rest].flatMap(idsIn);
    expect(given.sort()).toEqual([...finder.ids].sort());
  });

  test('looks past what another claim is about to take', async () => {
    const [one, other] = [await task(forWorkers), await task(forWorkers)];
    finder.ids = [one, other, await task(forWorkers)];
    const append = log.append.bind(log);
    let meanwhile: ClaimAnswer = { tasks: [] };
    jest.spyOn(log, 'append').mockImplementationOnce(async (...events) => {
      meanwhile = await claim();
      return append(...events);
    });
    expect(idsIn(await claim())).toEqual([one]);
    expect(idsIn(meanwhile)).toEqual([other]);
    expect(finder.asked).toMatchObject([{ limit: 1 }, { limit: 2 }]);
  });

  test('sent again it answers the tasks that it holds, and takes no others', async () => {
    finder.ids = [await task(forWorkers), await task(forWorkers), await task(forWorkers)];
    const context = { commandId: randomUUID() };
    const first = await claim({ limit: 2 }, context);
    expect(await claim({ limit: 2 }, { ...context, resent: true })).toEqual(first);
    // The view has heard of the claim, or of nothing.
    finder.ids = finder.ids.slice(2);
    expect(await claim({ limit: 2 }, { ...context, resent: true })).toEqual(first);
    await send(CancelTask, { id: first.tasks[0]?.id });
    expect(idsIn(await claim({ limit: 2 }, { ...context, resent: true }))).toEqual(
      idsIn(first).slice(1),
    );
  });

  test('so it does after a restart', async () => {
    finder.ids = [await task(forWorkers), await task(forWorkers)];
    const context = { commandId: randomUUID() };
    const first = await claim({}, context);
    bus = await service();
    finder.ids = finder.ids.slice(1);
    finder.heldIds = idsIn(first);
    expect(await claim({}, { ...context, resent: true })).toEqual(first);
  });

  test('so it does while the view has not heard of the claim', async () => {
    finder.ids = [await task(forWorkers), await task(forWorkers)];
    const context = { commandId: randomUUID() };
    const first = await claim({}, context);
    bus = await service();
    expect(await claim({}, { ...context, resent: true })).toEqual(first);
  });

  test('waits for the first task, no longer than it may', async () => {
    const id = await task(forWorkers);
    finder.whileWaiting = async () => {
      finder.ids = [id];
      return true;
    };
    expect(idsIn(await claim({ waitMs: 1_000 }))).toEqual([id]);
    finder.ids = [];
    finder.whileWaiting = async () => {
      clock.time += 1_000;
      return true;
    };
    expect(idsIn(await claim({ waitMs: 1_000 }))).toEqual([]);
    finder.whileWaiting = async () => false;
    expect(await claim({ waitMs: 30_000 }, { apps: ['app'] })).toEqual({ tasks: [] });
    expect(finder.waitedFor.at(-1)).toMatchObject({ taskTypes: ['index'], apps: ['app'] });
  });

  test('a caller who is gone gets none, and those who wait look for themselves', async () => {
    const id = await task(forWorkers);
    const caller = new AbortController();
    finder.whileWaiting = async () => {
      finder.ids = [id];
      caller.abort();
      return true;
    };
    let waits = 0;
    const whileWaiting = async <T>(wait: () => T | Promise<T>) =>
      ++waits === 1 ? wait() : (false as T);
    const gone = await claim({ waitMs: 1_000 }, { gone: caller.signal, whileWaiting });
    expect(idsIn(gone)).toEqual([]);
    expect(await typesOf(id)).toEqual(['TaskCreated']);
    expect(finder.lookedAgain).toEqual(['index']);
    expect(idsIn(await claim())).toEqual([id]);
  });

  test('a claim that fails lets those who wait look for themselves', async () => {
    finder.ids = [await task(forWorkers)];
    await log.close();
    await expect(claim()).rejects.toThrow(LogUnavailable);
    expect(finder.lookedAgain).toEqual(['index']);
  });

  test('frees a place at once, but when it failed not before the view knows what the log has', async () => {
    finder.ids = [await task(forWorkers), await task(forWorkers)];
    await claim();
    expect(finder.slots).toEqual(['held']);
    await log.close();
    await expect(claim()).rejects.toThrow(LogUnavailable);
    expect(finder.slots).toEqual(['held', 'caught up', 'free']);
  });

  test('waits apart from the work in flight', async () => {
    let waits = 0;
    const whileWaiting = async <T>(wait: () => T | Promise<T>) => {
      waits += 1;
      return wait();
    };
    finder.whileWaiting = async () => false;
    await claim({ waitMs: 1_000 }, { whileWaiting });
    await claim({}, { whileWaiting });
    expect(waits).toBe(1);
  });

  test('an answer stops where it would grow too large', async () => {
    const input = 'x'.repeat(120 * 1024);
    for (let n = 0; n < 10; n++) finder.ids.push(await task({ ...forWorkers, input }));
    expect(idsIn(await claim({ limit: 10 }))).toHaveLength(6);
  });
});

describe('batch', () => {
  beforeEach(newService);

  const toError = (error: unknown) => ({
    code: (error as { code: 'INTERNAL' }).code,
    message: 'refused',
    correlationId: 'c',
  });
  const batch = (entries: Batch['entries']) =>
    bus.execute<Batch, BatchAnswer>(withContext(new Batch(entries, toError), contextFor()));

  test('decides one by one, in order for each task, and answers in order', async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    const named = { name: 'n', taskType: 'index', appName: 'app' };
    const error = { code: 'VALIDATION_FAILED', message: 'bad', correlationId: 'c' } as const;
    const { results } = await batch([
      { message: prepared(CreateTask, { id: one, ...named }) },
      { message: prepared(StartTask, { id: one }) },
      { error },
      { message: prepared(StartTask, { id: two }) },
      { message: prepared(CreateTask, { id: two, ...named }) },
      { message: prepared(PauseTask, { id: one }) },
    ]);
    expect(results).toMatchObject([
      { ok: { taskId: one, status: 'pending', revision: 0 } },
      { ok: { taskId: one, status: 'running', revision: 1 } },
      { error },
      { error: { code: 'TASK_NOT_FOUND' } },
      { ok: { taskId: two, status: 'pending', revision: 0 } },
      { ok: { taskId: one, status: 'paused', revision: 2 } },
    ]);
  });
});
