import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { CleanupAnswer } from '@taskmanager/protocol';
import { LogUnavailable } from '../event-store/index.js';
import { refusalStream, taskStream } from '../events/index.js';
import { NOW } from '../../test/given.js';
import { CancelTask } from './cancel-task.command.js';
import { CleanupTasks } from './cleanup-tasks.command.js';
import { PauseAllRunningTasks } from './pause-all-running-tasks.command.js';
import { PauseTask } from './pause-task.command.js';
import { ResumeLastPausedTask } from './resume-last-paused-task.command.js';
import { StartTask } from './start-task.command.js';
import {
  log,
  clock,
  finder,
  newService,
  restart,
  send,
  task,
  typesOf,
} from './filter-commands.fixture.js';

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
    await restart();
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
