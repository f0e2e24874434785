import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { LIMITS } from '@taskmanager/protocol';
import { LogUnavailable } from '../event-store/index.js';
import { MemoryEventLog, MemoryLogStorage } from '../event-store/memory/index.js';
import { intactStream, replica } from '../../test/given.js';
import { ApproveTask } from './approve-task.command.js';
import { ApproveTaskHandler } from './approve-task.handler.js';
import { CompleteTask } from './complete-task.command.js';
import { CompleteTaskHandler } from './complete-task.handler.js';
import { StartTask } from './start-task.command.js';
import { StartTaskHandler } from './start-task.handler.js';
import { UpdateTaskData } from './update-task-data.command.js';
import { UpdateTaskDataHandler } from './update-task-data.handler.js';
import { UpdateTaskProgress } from './update-task-progress.command.js';
import { UpdateTaskProgressHandler } from './update-task-progress.handler.js';

/** Counts its appends, and fails the next one when told to, before or after it has taken effect. */
class WatchedLog extends MemoryEventLog {
  readonly sizes: number[] = [];
  fault: 'before' | 'after' | undefined;

  override async append(...args: Parameters<MemoryEventLog['append']>) {
    const { fault } = this;
    this.fault = undefined;
    this.sizes.push(args[2].length);
    const result = fault === 'before' ? undefined : await super.append(...args);
    if (result && !fault) return result;
    throw new LogUnavailable('the connection broke', true);
  }
}

type Replica = ReturnType<typeof replica>;
const report = (on: Replica, progress: number, commandId: string = randomUUID(), resent = false) =>
  on.send(UpdateTaskProgress, UpdateTaskProgressHandler, { progress }, { commandId, resent });
const complete = (on: Replica) => on.send(CompleteTask, CompleteTaskHandler, {});
const approve = (on: Replica) => on.send(ApproveTask, ApproveTaskHandler, {});
const note = (on: Replica, data: string, commandId: string = randomUUID()) =>
  on.send(UpdateTaskData, UpdateTaskDataHandler, { data }, { commandId });

describe('commands about one task that wait behind each other', () => {
  let storage: MemoryLogStorage;
  let log: WatchedLog;
  let one: Replica;

  const types = async () => (await intactStream(log)).slice(2).map(({ type }) => type);

  beforeEach(async () => {
    storage = new MemoryLogStorage();
    log = new WatchedLog(storage);
    one = replica(log);
    await one.create();
    await one.send(StartTask, StartTaskHandler, {});
    log.sizes.length = 0;
  });

  test('are appended together, each answered by its own events', async () => {
    const answers = await Promise.all([report(one, 40), complete(one)]);
    expect(log.sizes).toEqual([2]);
    expect(answers).toMatchObject([
      { status: 'running', revision: 2, events: [{ type: 'ProgressUpdated', revision: 2 }] },
      { status: 'completed', revision: 3, events: [{ type: 'TaskCompleted', revision: 3 }] },
    ]);
    expect(await types()).toEqual(['ProgressUpdated', 'TaskCompleted']);
    const stored = (await intactStream(log)).slice(2).map(({ position }) => position);
    expect(answers.map(({ position }) => position)).toEqual(stored);
  });

  test('are each remembered, so that any of them may be sent again', async () => {
    const ids = [randomUUID(), randomUUID()] as const;
    await Promise.all([report(one, 10, ids[0]), report(one, 20, ids[1])]);
    expect(await report(one, 20, ids[1])).toMatchObject({ revision: 3, repeated: true });
    const other = replica(log);
    expect(await report(other, 10, ids[0], true)).toMatchObject({ revision: 2, repeated: true });
  });

  test('leave one that is refused to its own turn, and those behind it go on', async () => {
    const [first, refused, last] = await Promise.allSettled([
      report(one, 10),
      approve(one),
      report(one, 20),
    ]);
    expect(first).toMatchObject({ value: { revision: 2 } });
    expect(refused).toMatchObject({ reason: { code: 'INVALID_TRANSITION' } });
    expect(last).toMatchObject({ value: { revision: 3 } });
    // The refusal is one of its own.
    expect(log.sizes).toEqual([1, 1, 1]);
  });

  test('with one id take effect once', async () => {
    const commandId = randomUUID();
    const answers = await Promise.all([note(one, 'a', commandId), note(one, 'b', commandId)]);
    expect(answers).toMatchObject([{ revision: 2 }, { revision: 2, repeated: true }]);
    expect(await types()).toEqual(['TaskDataUpdated']);
  });

  test('leave one that may have been here before to its own turn', async () => {
    const commandId = randomUUID();
    const other = replica(new MemoryEventLog(storage));
    await report(other, 10, commandId);
    const answers = await Promise.all([report(one, 20), report(one, 10, commandId, true)]);
    expect(answers).toMatchObject([{ revision: 3 }, { revision: 2, repeated: true }]);
    expect(await types()).toEqual(['ProgressUpdated', 'ProgressUpdated']);
  });

  test('are decided again when another process was faster', async () => {
    await report(replica(new MemoryEventLog(storage)), 5);
    const answers = await Promise.all([report(one, 40), complete(one)]);
    expect(answers).toMatchObject([{ revision: 3 }, { revision: 4, status: 'completed' }]);
    expect(log.sizes).toEqual([2, 2]);
    expect(await types()).toEqual(['ProgressUpdated', 'ProgressUpdated', 'TaskCompleted']);
  });

  test.each(['before', 'after'] as const)(
    'are all of unknown outcome when the log is lost (%s), and take effect once when sent again',
    async (fault) => {
      const ids = [randomUUID(), randomUUID()] as const;
      log.fault = fault;
      const lost = await Promise.allSettled([report(one, 10, ids[0]), report(one, 20, ids[1])]);
      expect(lost).toMatchObject([
        { reason: { outcomeUnknown: true } },
        { reason: { outcomeUnknown: true } },
      ]);
      await Promise.all([report(one, 10, ids[0], true), report(one, 20, ids[1], true)]);
      expect(await types()).toEqual(['ProgressUpdated', 'ProgressUpdated']);
    },
  );

  test('are not more in one append than it should hold', async () => {
    const data = 'x'.repeat(LIMITS.payloadBytes - 2);
    await Promise.all([note(one, data), note(one, data), note(one, data)]);
    expect(log.sizes).toEqual([1, 1, 1]);
    log.sizes.length = 0;
    await Promise.all(Array.from({ length: 40 }, (_, progress) => report(one, progress + 1)));
    expect(log.sizes).toEqual([32, 8]);
  });
});
