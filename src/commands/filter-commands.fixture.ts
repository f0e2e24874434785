import { randomUUID } from 'node:crypto';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import type { CommandAnswer } from '@taskmanager/protocol';
import { Clock, type CommandContext, Ids, TimeOrderedIds, withContext } from '../context/index.js';
import { EventLog } from '../event-store/index.js';
import { MemoryEventLog } from '../event-store/memory/index.js';
import { taskStream } from '../events/index.js';
import { KnownImports } from '../projections/imports/known-imports.js';
import { KnownTaskTypes } from '../projections/task-types/known-task-types.js';
import { KnownWorkers } from '../projections/workers/known-workers.js';
import { SetClock, contextFor, intactStream } from '../../test/given.js';
import { BatchHandler } from './batch.handler.js';
import { CancelTaskHandler } from './cancel-task.handler.js';
import { ClaimTasksHandler } from './claim-tasks.handler.js';
import { CleanupTasksHandler } from './cleanup-tasks.handler.js';
import { CommandExecutor } from './command-executor.js';
import { CreateTask } from './create-task.command.js';
import { CreateTaskHandler } from './create-task.handler.js';
import { ClaimTaskHandler } from './internal/claim-task.handler.js';
import { CleanUpEndedTasksHandler } from './internal/clean-up-ended-tasks.handler.js';
import { CleanUpTaskHandler } from './internal/clean-up-task.handler.js';
import { PauseRunningTaskHandler } from './internal/pause-running-task.handler.js';
import { PauseAllRunningTasksHandler } from './pause-all-running-tasks.handler.js';
import { PauseTaskHandler } from './pause-task.handler.js';
import { RefusalRecorder } from './refusal-recorder.js';
import { ResumeLastPausedTaskHandler } from './resume-last-paused-task.handler.js';
import { ResumeTaskHandler } from './resume-task.handler.js';
import { StandingClaims } from './standing-claims.js';
import { StartTaskHandler } from './start-task.handler.js';
import { ImportedTasks } from './imported-tasks.port.js';
import { type Found, TaskFinder } from './task-finder.port.js';
import { TaskStreams } from './task-streams.js';
import { TaskTypes } from './task-types.port.js';
import { Workers } from './workers.port.js';

/** For tests of commands that find their tasks by themselves: the service on a log in memory. */

/** Answers the ids that it was given, old news and all, and notes what it was asked. */
export class ListedTasks extends TaskFinder {
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

export let log: MemoryEventLog;
export let clock: SetClock;
export let finder: ListedTasks;
export let bus: CommandBus;

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

/** What each test begins with: an empty log, and a service on it. */
export async function newService(): Promise<void> {
  log = new MemoryEventLog();
  clock = new SetClock();
  finder = new ListedTasks();
  await restart();
}

/** Another life of the service, on the same log. */
export async function restart(): Promise<void> {
  bus = await service();
}

export const prepared = <C extends object>(
  message: new () => C,
  fields: Partial<C>,
  context: Partial<CommandContext> = {},
): C =>
  withContext(
    Object.assign(new message(), fields),
    contextFor({ commandId: randomUUID(), ...context }),
  );

export const send = <A = CommandAnswer>(...args: Parameters<typeof prepared>): Promise<A> =>
  bus.execute<object, A>(prepared(...args));

/** A task that has gone through these commands; answers its id. */
export async function task(
  fields: Partial<CreateTask> = {},
  ...commands: (new () => { readonly id: string })[]
): Promise<string> {
  const named = { name: 'n', taskType: 'index', appName: 'app' };
  const { taskId } = await send(CreateTask, { ...named, ...fields });
  for (const command of commands) await send(command, { id: taskId });
  return taskId;
}

export const typesOf = async (id: string) =>
  (await intactStream(log, taskStream(id))).map(({ type }) => type);
