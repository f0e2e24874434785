import { beforeEach, describe, expect, it } from '@jest/globals';
import type { TaskInfo, TaskListenerData } from '@taskmanager/client';
import { task, TASK_ID } from '../../test/cli.js';
import { WatchedTasks } from './watched-tasks.js';

let watched: WatchedTasks;
beforeEach(() => {
  watched = new WatchedTasks(({ status }) => status === 'running');
});

const info = (fields: object = {}) => task(fields) as unknown as TaskInfo;
const event = (name: string, revision: number, status = 'running', fields: object = {}) =>
  ({
    ...{ taskId: TASK_ID, taskType: 'publish', appName: 'shop', status, revision, event: name },
    ...{ at: 1_700_000_000_000, position: 'p', actor: { id: 'ann', roles: [], verified: false } },
    ...fields,
  }) as TaskListenerData;
const only = () => watched.shown(Date.now())[0];

describe('the tasks of a watch', () => {
  it('move on with their events', () => {
    watched.load(info({ revision: 5, name: 'Publish' }));
    watched.apply(event('progress', 6, 'running', { progress: 70, message: 'uploading' }));
    expect(only()).toMatchObject({ name: 'Publish', progress: 70, message: 'uploading' });
    watched.apply(event('started', 7, 'running', { workerId: 'w-2' }));
    expect(only()).toMatchObject({ workerId: 'w-2', message: undefined, progress: 70 });
  });

  it('take an event that is older than what was read for nothing new', () => {
    watched.load(info({ revision: 5, progress: 40 }));
    expect(watched.apply(event('progress', 5, 'running', { progress: 10 }))).toBeUndefined();
    expect(only()).toMatchObject({ progress: 40, revision: 5 });
  });

  it('take no more than the name of what was read before the latest event', () => {
    watched.apply(event('started', 7));
    expect(watched.nameless).toEqual([TASK_ID]);
    watched.load(info({ revision: 3, name: 'Publish', status: 'pending', progress: 1 }));
    expect(only()).toMatchObject({ name: 'Publish', status: 'running', revision: 7, progress: 0 });
  });

  it('are shown a while longer when they are over, and then no more', () => {
    watched.load(info({ revision: 5 }));
    watched.apply(event('completed', 6, 'completed'));
    const now = Date.now();
    expect(watched.shown(now)).toMatchObject([{ status: 'completed', progress: 100, over: true }]);
    expect(watched.shown(now + 60_000)).toEqual([]);
  });

  it('are none of those that were never watched for', () => {
    expect(watched.apply(event('created', 0, 'pending', { name: 'x' }))).toBeUndefined();
    expect(watched.shown(Date.now())).toEqual([]);
  });

  it('are not over while a retry is to come', () => {
    watched.load(info({ revision: 5 }));
    watched.apply(event('failed', 6, 'failed', { error: 'no disk', willRetry: true }));
    expect(only()).toMatchObject({ over: false, error: 'no disk' });
    watched.apply(event('retry_scheduled', 7, 'failed'));
    expect(only()).toMatchObject({ over: false });
    watched.apply(event('retry', 8, 'pending'));
    expect(only()).toMatchObject({ over: false, error: undefined, progress: 0 });
    watched.apply(event('failed', 9, 'failed', { error: 'no disk', willRetry: false }));
    expect(only()).toMatchObject({ over: true });
  });

  it('have a limit', () => {
    for (let n = 0; n < 2_001; n++) watched.load(info({ id: `task-${n}`, revision: 1 }));
    expect(watched.shown(Date.now())).toHaveLength(2_000);
    expect(watched.isFull).toBe(true);
  });
});
