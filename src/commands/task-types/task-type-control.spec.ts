import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LIMITS } from '@taskmanager/protocol';
import { contextFor, SetClock } from '../../../test/given.js';
import { withContext } from '../../context/index.js';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import { TASK_TYPES_STREAM, TaskTypeLimited, TaskTypePaused } from '../../events/index.js';
import { KnownTaskTypes } from '../../projections/task-types/known-task-types.js';
import { StandingClaims } from '../standing-claims.js';
import { messageOf } from '../task-command.js';
import type { TaskFinder } from '../task-finder.port.js';
import { PauseTaskType } from './pause-task-type.command.js';
import { TaskTypeControl } from './task-type-control.js';

/** One process of a log: what it knows of task types, and how it decides about them. */
class Process {
  readonly types = new KnownTaskTypes(log);
  readonly claims = new StandingClaims();
  caughtUp = 0;
  private readonly control = new TaskTypeControl(
    log,
    this.types,
    this.claims,
    { caughtUp: async () => void (this.caughtUp += 1) } as unknown as TaskFinder,
    clock,
  );

  pause(taskType: string, context = anotherContext()) {
    const message = withContext(messageOf(PauseTaskType, { taskType }), context);
    return this.control.execute(message, (rule) =>
      rule?.paused ? undefined : new TaskTypePaused({ taskType }),
    );
  }

  limit(taskType: string, maxRunning: number) {
    const message = withContext(messageOf(PauseTaskType, { taskType }), anotherContext());
    return this.control.execute(message, () => new TaskTypeLimited({ taskType, maxRunning }));
  }
}

const anotherContext = () => contextFor({ commandId: randomUUID() });

let log: MemoryEventLog;
let clock: SetClock;
let processes: Process[];

beforeEach(() => {
  log = new MemoryEventLog();
  clock = new SetClock();
  processes = [new Process(), new Process()];
});
afterEach(async () => {
  for (const { types } of processes) await types.onModuleDestroy();
});

describe('deciding about a task type', () => {
  test('goes on behind a decision that was made unreadable, which counts for nobody', async () => {
    const [here, there] = processes as [Process, Process];
    await here.pause('clone');
    const event = { id: randomUUID(), type: 'TaskTypeResumed', data: '{}', metadata: '{' };
    await log.append(TASK_TYPES_STREAM, 0n, [event]);
    expect(await there.limit('clone', 2)).toMatchObject({ paused: true, maxRunning: 2 });
    await here.types.refresh();
    expect(here.types.ruleOf('clone')).toMatchObject({ maxRunning: 2 });
    expect(await log.readStream(TASK_TYPES_STREAM)).toHaveLength(3);
  });

  test('is answered when the claims that were looking for tasks have ended', async () => {
    const [here] = processes as [Process];
    let end = () => {};
    const look = here.claims.look(() => new Promise<void>((resolve) => (end = resolve)));
    let answered = false;
    const paused = here.pause('clone').then(() => (answered = true));
    while (here.types.ruleOf('clone') === undefined) await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(answered).toBe(false);
    end();
    await look;
    await paused;
  });

  test('lets the view see what was taken before a limit holds', async () => {
    const [here] = processes as [Process];
    await here.pause('clone');
    expect(here.caughtUp).toBe(0);
    expect(await here.limit('clone', 2)).toMatchObject({ paused: true, maxRunning: 2 });
    expect(here.caughtUp).toBe(1);
  });

  test('goes by what other processes decided, and reaches them by itself', async () => {
    const [here, there] = processes as [Process, Process];
    for (const { types } of processes) types.onApplicationBootstrap();
    await Promise.all([here.pause('clone'), there.limit('clone', 2), there.pause('index')]);
    const rules = ({ types }: Process) => types.all().map(({ taskType }) => taskType);
    while (rules(here).length < 2 || rules(there).length < 2) await new Promise(setImmediate);
    expect(here.types.ruleOf('clone')).toEqual(there.types.ruleOf('clone'));
    expect(here.types.ruleOf('clone')).toMatchObject({ maxRunning: 2, paused: { by: 'alice' } });
    const events = await log.readStream(TASK_TYPES_STREAM);
    expect(events.map(({ revision }) => revision)).toEqual([0n, 1n, 2n]);
  });

  test('answers a command that took effect at another process before', async () => {
    const [here, there] = processes as [Process, Process];
    const context = anotherContext();
    const first = await here.pause('clone', context);
    await here.limit('clone', 3);
    expect(await there.pause('clone', context)).toEqual({ ...first, repeated: true });
    expect(await log.readStream(TASK_TYPES_STREAM)).toHaveLength(2);
  });

  test('is refused for one type too many', async () => {
    const [here] = processes as [Process];
    Object.defineProperty(here.types, 'size', { value: LIMITS.ruledTaskTypes });
    await expect(here.pause('clone')).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  });
});
