import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { v5, version } from 'uuid';
import { taskIdOfCommand, taskIdOfKey } from '../context/index.js';
import { MemoryEventLog } from '../event-store/memory/index.js';
import { type TaskCreatedData, taskStream } from '../events/index.js';
import { TASK_ID, replica } from '../../test/given.js';
import { DeleteTask } from './delete-task.command.js';
import { DeleteTaskHandler } from './delete-task.handler.js';

let log: MemoryEventLog;
let service: ReturnType<typeof replica>;

beforeEach(() => {
  log = new MemoryEventLog();
  service = replica(log);
});

/** Without an id: what the client left out. */
const unnamed = { id: undefined };
const dataOf = async (taskId: string) => {
  const [created] = await log.readStream(taskStream(taskId));
  return JSON.parse(created?.data ?? '{}') as TaskCreatedData;
};

describe('what is left out', () => {
  test('is filled in', async () => {
    await service.create();
    expect(await dataOf(TASK_ID)).toEqual({
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
    });
  });

  test('workers run what is persistent, unless it says otherwise', async () => {
    await service.create({ persistent: true });
    expect((await dataOf(TASK_ID)).runBy).toBe('worker');
    const { taskId } = await service.create({ ...unnamed, persistent: true, runBy: 'app' });
    expect((await dataOf(taskId)).runBy).toBe('app');
  });

  test('the id comes from the key, else from the command, else it is new', async () => {
    const clientCommandId = randomUUID();
    const byKey = { ...unnamed, idempotencyKey: 'build-7' };
    expect((await service.create(byKey, { clientCommandId })).taskId).toBe(
      taskIdOfKey('registry', 'build-7'),
    );
    expect((await service.create(unnamed, { clientCommandId })).taskId).toBe(
      taskIdOfCommand(clientCommandId),
    );
    expect(version((await service.create(unnamed)).taskId)).toBe(7);
    expect(version(taskIdOfKey('registry', 'build-7'))).toBe(5);
  });

  test('derived ids never change: they are in logs', () => {
    const namespace = 'b1b0a3c4-6d0f-5e0a-9c55-7461736b6d67';
    expect(taskIdOfKey('a', 'k')).toBe(v5('k', v5('app:a', namespace)));
    expect(taskIdOfCommand('c')).toBe(v5('create:c', namespace));
  });
});

describe('an id that exists', () => {
  test('answers the first creation to the same command', async () => {
    const commandId = randomUUID();
    const first = await service.create({}, { commandId });
    expect(await service.create({ name: 'Another' }, { commandId })).toEqual({
      ...first,
      repeated: true,
    });
  });

  test('and to the same key of the same app, from whomever', async () => {
    const keyed = { ...unnamed, idempotencyKey: 'k' };
    const first = await service.create(keyed);
    expect(await service.create(keyed)).toEqual({ ...first, repeated: true });
    const other = await service.create({ ...keyed, appName: 'other' });
    expect(other.taskId).not.toBe(first.taskId);
  });

  test('is CONFLICT to any other', async () => {
    await service.create({ idempotencyKey: 'k' });
    for (const fields of [{}, { idempotencyKey: 'l' }, { idempotencyKey: 'k', appName: 'other' }]) {
      await expect(service.create(fields)).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining(TASK_ID),
        details: { taskId: TASK_ID },
      });
    }
  });

  test('tells nothing to who may not touch it, whatever key he guesses', async () => {
    await service.create({ idempotencyKey: 'k' });
    const guess = service.create({ idempotencyKey: 'k' }, { apps: ['other'] });
    await expect(guess).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test('a key stays taken after deletion', async () => {
    const keyed = { ...unnamed, idempotencyKey: 'k' };
    const first = await service.create(keyed);
    await service.send(DeleteTask, DeleteTaskHandler, { id: first.taskId } as object);
    expect(await service.create(keyed)).toEqual({ ...first, repeated: true });
  });
});

test('an actor bound to apps creates for these alone', async () => {
  await expect(service.create({}, { apps: ['other'] })).rejects.toMatchObject({
    code: 'FORBIDDEN',
    message: 'alice may not create tasks of app registry.',
    details: { appName: 'registry' },
  });
  await service.create({}, { apps: ['registry'] });
});
