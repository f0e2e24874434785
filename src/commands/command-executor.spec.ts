import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { type EventLog, LogUnavailable, RevisionConflict } from '../event-store/index.js';
import { MemoryEventLog, MemoryLogStorage } from '../event-store/memory/index.js';
import { type EventMetadata, refusalStream, taskStream } from '../events/index.js';
import { jobWork } from '../jobs/job.fixture.js';
import { verifyTaskHistory } from '../proof/task-history.js';
import { verifyWholeHistory } from '../proof/whole-history.js';
import { TASK_STATE_VERSION } from '../task/index.js';
import { NOW, SetClock, TASK_ID, intactStream, replica } from '../../test/given.js';
import { CompleteTask } from './complete-task.command.js';
import { CompleteTaskHandler } from './complete-task.handler.js';
import { PauseTask } from './pause-task.command.js';
import { PauseTaskHandler } from './pause-task.handler.js';
import { StartTask } from './start-task.command.js';
import { StartTaskHandler } from './start-task.handler.js';
import { UpdateTaskData } from './update-task-data.command.js';
import { UpdateTaskDataHandler } from './update-task-data.handler.js';
import { UpdateTaskProgress } from './update-task-progress.command.js';
import { UpdateTaskProgressHandler } from './update-task-progress.handler.js';

type Replica = ReturnType<typeof replica>;
const start = (on: Replica, commandId = randomUUID(), resent = false) =>
  on.send(StartTask, StartTaskHandler, {}, { commandId, resent });
const complete = (on: Replica, commandId = randomUUID()) =>
  on.send(CompleteTask, CompleteTaskHandler, {}, { commandId });
const pause = (on: Replica, commandId = randomUUID()) =>
  on.send(PauseTask, PauseTaskHandler, {}, { commandId });
const note = (on: Replica, data: number, commandId = randomUUID(), resent = false) =>
  on.send(UpdateTaskData, UpdateTaskDataHandler, { data }, { commandId, resent });
const report = (on: Replica, progress: number, commandId = randomUUID()) =>
  on.send(UpdateTaskProgress, UpdateTaskProgressHandler, { progress }, { commandId });

const typesIn = async (log: EventLog) => (await intactStream(log)).map(({ type }) => type);

let storage: MemoryLogStorage;
let log: MemoryEventLog;
let one: Replica;

beforeEach(() => {
  storage = new MemoryLogStorage();
  log = new MemoryEventLog(storage);
  one = replica(log);
});

describe('a command', () => {
  test('answers what it appended, all in one append', async () => {
    const answer = await one.create();
    expect(answer).toEqual({
      taskId: TASK_ID,
      taskType: 'publish',
      status: 'pending',
      revision: 0,
      position: await log.head(),
      events: [{ id: expect.any(String), type: 'TaskCreated', revision: 0 }],
    });
    expect(await start(one)).toMatchObject({ status: 'running', revision: 1 });
  });

  test('that changes nothing answers where the task stands', async () => {
    await one.create();
    await start(one);
    const { position } = await report(one, 40);
    expect(await report(one, 30)).toEqual({
      taskId: TASK_ID,
      taskType: 'publish',
      status: 'running',
      revision: 2,
      position,
      events: [],
    });
  });

  test('about a task that does not exist is refused', async () => {
    await expect(start(one)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
    expect(await log.head()).toBeUndefined();
  });

  test('that is refused is recorded under its name on the wire', async () => {
    await one.create();
    await expect(complete(one)).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
    const [refusal] = await log.readStream(refusalStream(TASK_ID));
    expect(JSON.parse(refusal?.data ?? '')).toMatchObject({ command: 'complete_task' });
  });

  test('never steps back in time when the clock does', async () => {
    const clock = new SetClock();
    one = replica(log, clock);
    await one.create();
    clock.time = NOW - 60_000;
    await start(one);
    clock.time = NOW + 5;
    await pause(one);
    const times = (await intactStream(log)).map(
      ({ metadata }) => (JSON.parse(metadata) as EventMetadata).timestamp,
    );
    expect(times).toEqual([NOW, NOW, NOW + 5]);
  });

  test('waits for those before it about the same task', async () => {
    await one.create();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => note(one, n)));
    expect(answers.map(({ revision }) => revision)).toEqual(answers.map((_, n) => n + 1));
    expect((await intactStream(log)).slice(1).map(({ data }) => data)).toEqual(
      answers.map((_, n) => JSON.stringify({ data: n })),
    );
  });

  test('of an actor bound to other apps is refused, and does not say whose the task is', async () => {
    await one.create();
    const sent = one.send(StartTask, StartTaskHandler, {}, { apps: ['other'] });
    const { message, ...told } = (await sent.catch((error: unknown) => error)) as Error;
    expect(told).toMatchObject({ code: 'FORBIDDEN', details: { taskId: TASK_ID } });
    expect(JSON.stringify([message, told])).not.toContain('registry');
    await one.send(StartTask, StartTaskHandler, {}, { apps: ['other', 'registry'] });
  });
});

describe('sent again', () => {
  test('it answers the same and is not appended', async () => {
    await one.create();
    const commandId = randomUUID();
    const first = await start(one, commandId);
    await pause(one);
    expect(await start(one, commandId)).toEqual({ ...first, repeated: true });
    expect(await typesIn(log)).toEqual(['TaskCreated', 'TaskStarted', 'TaskPaused']);
  });

  test.each([true, false])('after a restart too, saying so or not (%s)', async (resent) => {
    const [creation, begin] = [randomUUID(), randomUUID()];
    const made = await one.create({}, { commandId: creation });
    const first = await start(one, begin);
    const two = replica(log);
    expect(await two.create({}, { commandId: creation, resent })).toEqual({
      ...made,
      repeated: true,
    });
    expect(await start(two, begin, resent)).toEqual({ ...first, repeated: true });
    await complete(two);
    expect(await typesIn(log)).toEqual(['TaskCreated', 'TaskStarted', 'TaskCompleted']);
  });

  test('a creation that a process does not remember leaves the chain whole', async () => {
    const commandId = randomUUID();
    await one.create({}, { commandId });
    const later = new SetClock();
    later.time = NOW + 1_000;
    const two = replica(log, later);
    expect(await two.create({}, { commandId })).toMatchObject({ repeated: true, revision: 0 });
    await start(two);
    expect(await typesIn(log)).toEqual(['TaskCreated', 'TaskStarted']);
  });

  test('to a process that has not seen the first, it is still one command', async () => {
    const two = replica(log);
    await one.create();
    await note(two, 0);
    const commandId = randomUUID();
    const later = one.clock as SetClock;
    const first = await start(one, commandId);
    later.time = NOW + 9;
    expect(await start(two, commandId)).toEqual({ ...first, repeated: true });
    await complete(two);
    expect((await typesIn(log)).filter((type) => type === 'TaskStarted')).toHaveLength(1);
  });

  test('it is remembered for 100 commands, and then decided again', async () => {
    await one.create();
    const commandId = randomUUID();
    await note(one, -1, commandId);
    for (let n = 1; n < 100; n++) await note(one, n);
    for (const on of [one, replica(log)]) {
      expect(await note(on, -1, commandId, true)).toMatchObject({ repeated: true, revision: 1 });
    }
    await note(one, 100);
    const again = await note(one, -1, commandId, true);
    expect(again).toMatchObject({ revision: 102 });
    expect(again.repeated).toBeUndefined();
  });

  test('one that was refused, or changed nothing, is decided again', async () => {
    await one.create();
    const [early, low] = [randomUUID(), randomUUID()];
    await expect(complete(one, early)).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
    await start(one);
    await report(one, 50);
    expect((await report(one, 20, low)).events).toEqual([]);
    await start(one);
    expect((await report(one, 20, low)).events).toHaveLength(1);
    expect(await complete(one, early)).toMatchObject({ status: 'completed' });
  });
});

describe('two processes on one log', () => {
  let two: Replica;
  beforeEach(() => {
    two = replica(new MemoryEventLog(storage));
  });

  test('append each revision once, whoever wins', async () => {
    await one.create();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => note(n % 2 ? one : two, n)),
    );
    const revisions = answers.map(({ revision }) => revision).sort((a, b) => a - b);
    expect(revisions).toEqual(answers.map((_, n) => n + 1));
    expect(await intactStream(log)).toHaveLength(41);
  });

  test('only one of two creations is the first', async () => {
    const results = await Promise.allSettled([one.create(), two.create()]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'CONFLICT' },
    });
    expect(await intactStream(log)).toHaveLength(1);
  });

  test('a refusal is not decided on a state that the other has changed', async () => {
    await one.create();
    await note(two, 1);
    await start(one);
    expect(await complete(two)).toMatchObject({ status: 'completed' });
    await expect(pause(one)).rejects.toMatchObject({ details: { status: 'completed' } });
  });

  test('neither is the answer that nothing changes', async () => {
    await one.create();
    await start(one);
    await report(one, 80);
    await report(two, 90);
    await start(two);
    expect((await report(one, 10)).events).toHaveLength(1);
  });

  test('when the other always wins it is CONFLICT in the end', async () => {
    await one.create();
    class Unlucky extends MemoryEventLog {
      override async append(): Promise<never> {
        throw new RevisionConflict(taskStream(TASK_ID), 0n, 1n);
      }
    }
    await expect(start(replica(new Unlucky(storage)))).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('when nobody knows whether it was appended', () => {
  class Shaky extends MemoryEventLog {
    fault: 'before' | 'after' | undefined;
    appends = 0;

    override async append(...args: Parameters<MemoryEventLog['append']>) {
      const { fault } = this;
      this.fault = undefined;
      this.appends++;
      if (fault !== 'before') {
        const result = await super.append(...args);
        if (!fault) return result;
      }
      throw new LogUnavailable('the connection broke', true);
    }
  }

  class Late extends MemoryEventLog {
    isLate = false;
    readonly underWay: Parameters<MemoryEventLog['append']>[] = [];

    override async append(...args: Parameters<MemoryEventLog['append']>) {
      if (!this.isLate) return super.append(...args);
      this.isLate = false;
      this.underWay.push(args);
      throw new LogUnavailable('no answer in time', true);
    }

    async comesAbout() {
      for (const args of this.underWay.splice(0)) await super.append(...args);
    }
  }

  test.each(['before', 'after'] as const)(
    'sent again it has taken effect once (%s)',
    async (fault) => {
      const shaky = new Shaky(storage);
      one = replica(shaky);
      await one.create();
      const commandId = randomUUID();
      shaky.fault = fault;
      await expect(start(one, commandId)).rejects.toThrow(LogUnavailable);
      (one.clock as SetClock).time = NOW + 1_000;
      const again = await start(one, commandId);
      expect(again.repeated).toBe(fault === 'after' ? true : undefined);
      await complete(one);
      expect(await typesIn(log)).toEqual(['TaskCreated', 'TaskStarted', 'TaskCompleted']);
    },
  );

  test('so it is for a creation', async () => {
    const shaky = new Shaky(storage);
    one = replica(shaky);
    const commandId = randomUUID();
    shaky.fault = 'after';
    await expect(one.create({}, { commandId })).rejects.toThrow(LogUnavailable);
    (one.clock as SetClock).time = NOW + 1_000;
    expect(await one.create({}, { commandId })).toMatchObject({ repeated: true });
    await start(one);
    expect(await typesIn(log)).toEqual(['TaskCreated', 'TaskStarted']);
  });

  test('another command in between reads what was appended before it decides', async () => {
    const shaky = new Shaky(storage);
    one = replica(shaky);
    await one.create();
    shaky.fault = 'after';
    await expect(start(one)).rejects.toThrow(LogUnavailable);
    shaky.appends = 0;
    expect(await note(one, 1)).toMatchObject({ status: 'running', revision: 2 });
    expect(shaky.appends).toBe(1);
  });

  /** Two commands of one append that is under way longer than anybody waits for it. */
  async function lateBegin() {
    const late = new Late(storage);
    one = replica(late);
    await one.create();
    const [begin, end] = [randomUUID(), randomUUID()];
    late.isLate = true;
    const sent = await Promise.allSettled([start(one, begin), complete(one, end)]);
    expect(sent.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(late.underWay.length).toBe(1);
    return { late, begin, end };
  }

  test('it is refused only when the append cannot come about any more', async () => {
    const { late, begin, end } = await lateBegin();
    // A task that has not begun cannot be completed: but that it has begun may come yet.
    await expect(complete(one, end)).rejects.toMatchObject({ outcomeUnknown: true });
    await expect(complete(one)).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
    await late.comesAbout();
    expect(await complete(one, end)).toMatchObject({ repeated: true, status: 'completed' });
    expect(await start(one, begin)).toMatchObject({ repeated: true, revision: 1 });
  });

  test('it is refused when something else was appended instead', async () => {
    const { late, end } = await lateBegin();
    await note(one, 1);
    await expect(complete(one, end)).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
    await expect(late.comesAbout()).rejects.toThrow(RevisionConflict);
    expect(await typesIn(log)).toEqual(['TaskCreated', 'TaskDataUpdated']);
  });
});

describe('snapshots', () => {
  class Counted extends MemoryEventLog {
    read = 0;

    override async readStream(...args: Parameters<MemoryEventLog['readStream']>) {
      const events = await super.readStream(...args);
      this.read += events.length;
      return events;
    }
  }

  const longStream = async (): Promise<void> => {
    await one.create();
    for (let n = 1; n <= 600; n++) await note(one, n);
  };

  test('spare the reading of a long stream', async () => {
    await longStream();
    const counted = new Counted(storage);
    const two = replica(counted);
    expect(await two.executor.peek(TASK_ID)).toMatchObject({ data: 600, revision: 600 });
    expect(counted.read).toBeLessThanOrEqual(256);
    await note(two, 601);
    expect(await intactStream(log)).toHaveLength(602);
  });

  test('hold the remembered commands', async () => {
    await one.create();
    const commandId = randomUUID();
    for (let n = 1; n < 200; n++) await note(one, n);
    await note(one, 200, commandId);
    for (let n = 201; n < 260; n++) await note(one, n);
    expect(await note(replica(log), 0, commandId)).toMatchObject({ repeated: true, revision: 200 });
  });

  test('of another version, or lost, change nothing but the time it takes', async () => {
    await longStream();
    const stream = taskStream(TASK_ID);
    const whole = await replica(log).executor.peek(TASK_ID);
    await log.writeSnapshot(stream, {
      revision: 600n,
      version: TASK_STATE_VERSION + 1,
      state: '{"another":"shape"}',
    });
    expect(await replica(log).executor.peek(TASK_ID)).toEqual(whole);
    await log.deleteSnapshot(stream);
    expect(await replica(log).executor.peek(TASK_ID)).toEqual(whole);
  });

  /** What whoever can write to the log's file can make of a snapshot. */
  const forge = async (change: (state: { task: object; hash: string }) => object) => {
    const { revision, version, state } = (await log.readSnapshot(taskStream(TASK_ID)))!;
    const changed = change(JSON.parse(state) as { task: object; hash: string });
    await log.deleteSnapshot(taskStream(TASK_ID));
    await log.writeSnapshot(taskStream(TASK_ID), {
      revision,
      version,
      state: JSON.stringify(changed),
    });
  };
  const problems = async () => {
    const one = await verifyTaskHistory(log, TASK_ID, undefined);
    const whole = await verifyWholeHistory(log, jobWork(), {});
    expect(whole.problems).toEqual(one.problems);
    expect(whole.ok).toBe(one.ok);
    return one.problems;
  };

  test('of another history, or that are no snapshots, are not used', async () => {
    await longStream();
    const whole = await replica(log).executor.peek(TASK_ID);
    await forge((state) => ({ ...state, hash: 'f'.repeat(64), task: {} }));
    expect(await replica(log).executor.peek(TASK_ID)).toEqual(whole);
    const { revision, version } = (await log.readSnapshot(taskStream(TASK_ID)))!;
    await log.writeSnapshot(taskStream(TASK_ID), { revision, version, state: 'no JSON' });
    expect(await replica(log).executor.peek(TASK_ID)).toEqual(whole);
    // As an older log put in its place leaves it.
    await log.writeSnapshot(taskStream(TASK_ID), { revision: 700n, version, state: '{}' });
    expect(await replica(log).executor.peek(TASK_ID)).toEqual(whole);
  });

  test('are held beside the events by verify_history, which names one that says otherwise', async () => {
    await longStream();
    expect(await problems()).toEqual([]);
    const counted = replica(log);
    // Folded on from a snapshot, and written anew.
    for (let n = 601; n <= 800; n++) await note(counted, n);
    expect(await problems()).toEqual([]);
    const { revision } = (await log.readSnapshot(taskStream(TASK_ID)))!;
    expect(revision).toBeGreaterThan(600n);
    await forge((state) => ({ ...state, task: { ...state.task, status: 'completed' } }));
    expect(await problems()).toMatchObject([
      {
        code: 'false_snapshot',
        taskId: TASK_ID,
        revision: Number(revision),
        text: expect.stringContaining('does not say what the events up to there say'),
      },
    ]);
  });
});
