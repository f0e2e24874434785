import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import { type Service, startService } from './service.js';

let service: Service;
let client: TaskManager;

beforeAll(async () => {
  service = await startService();
  const { port } = service;
  client = await TaskManager.connect({ transport: 'tcp', port, actor: 'ann', appName: 'registry' });
});

afterAll(async () => {
  await client.close();
  await service.close();
});

describe('clone_repository_task', () => {
  const url = 'https://example.org/owner/repository.git';

  it('answers the handle of a task that waits for a worker, its fields the input', async () => {
    const handle = await client.cloneRepositoryTask({ url, branch: 'main', priority: 5 });
    expect(handle).toMatchObject({ taskType: 'clone_repository', status: 'pending' });
    expect(await client.getTask(handle.taskId)).toMatchObject({
      name: `Clone ${url}`,
      taskType: 'clone_repository',
      appName: 'registry',
      runBy: 'worker',
      persistent: true,
      priority: 5,
      input: { url, branch: 'main' },
      status: 'pending',
    });
  });

  it('belongs to taskmanager when no app is named, and its name is cut', async () => {
    const long = `https://example.org/${'x'.repeat(1_000)}`;
    const { taskId } = await client.command('clone_repository_task', { url: long });
    const task = await client.getTask(taskId);
    expect(task).toMatchObject({ appName: 'taskmanager', input: { url: long } });
    expect(task.name).toHaveLength(500);
  });

  it('takes effect once under its command id, and once under its key', async () => {
    const commandId = randomUUID();
    const send = () => client.command('clone_repository_task', { url }, { commandId });
    const first = await send();
    expect(await send()).toEqual({ ...first, repeated: true });
    const keyed = { url, idempotencyKey: 'mirror' };
    const { taskId } = await client.cloneRepositoryTask(keyed);
    expect((await client.cloneRepositoryTask(keyed)).taskId).toBe(taskId);
  });

  it.each([
    [{ url: 'https://ann:secret@example.org/x' }, 'url must hold no user or password'],
    [{ url: 'git@example.org:x' }, 'url must be a URL: instead of user@host:path write'],
    [{ url, branch: '--upload-pack=x' }, 'branch must be the name of a branch or tag'],
    [{ url, directory: '' }, 'directory must be a path'],
  ])('%p is refused', async (fields, problem) => {
    const error: unknown = await client.cloneRepositoryTask(fields).catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(JSON.stringify(error)).toContain(problem);
    expect(JSON.stringify(error)).not.toContain('secret');
  });
});

describe('index_repository_task', () => {
  it('answers the handle of a task that waits for a worker, its field the input', async () => {
    const handle = await client.indexRepositoryTask({ directory: 'repository' });
    expect(handle).toMatchObject({ taskType: 'index_repository', status: 'pending' });
    expect(await client.getTask(handle.taskId)).toMatchObject({
      name: 'Index repository',
      runBy: 'worker',
      persistent: true,
      input: { directory: 'repository' },
    });
  });

  it('refuses what is no path', async () => {
    await expect(client.indexRepositoryTask({ directory: '' })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });
});

describe('import_files_task', () => {
  const fields = { sources: ['uploads', 'one.txt'], destination: 'store' };

  it('answers the handle of a task that waits for a worker, its fields the input', async () => {
    const handle = await client.importFilesTask({
      ...fields,
      concurrency: 3,
      labels: { of: 'ann' },
    });
    expect(handle).toMatchObject({ taskType: 'import_files', status: 'pending' });
    expect(await client.getTask(handle.taskId)).toMatchObject({
      name: 'Import uploads and 1 more',
      taskType: 'import_files',
      appName: 'registry',
      runBy: 'worker',
      persistent: true,
      labels: { of: 'ann' },
      input: { ...fields, concurrency: 3 },
    });
  });

  it.each([
    [{ ...fields, sources: [] }, 'sources must be a list of 1 to 1000 paths'],
    [{ ...fields, sources: ['a', ''] }, 'sources must be paths, each of which must be a path'],
    [{ ...fields, destination: 'a\nb' }, 'destination must be a path without control characters'],
    [{ ...fields, concurrency: 65 }, 'concurrency must be a whole number from 1 to 64'],
  ])('%j is refused', async (refused, problem) => {
    const error: unknown = await client.importFilesTask(refused).catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(JSON.stringify(error)).toContain(problem);
  });
});
