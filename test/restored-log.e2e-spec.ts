import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import Database from '@taskmanager/sqlite-driver';
import { TaskManager } from '@taskmanager/client';
import { startService } from './service.js';

describe('an older log put back beside newer views', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'restored-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function serving<T>(work: (client: TaskManager) => Promise<T>): Promise<T> {
    const service = await startService({ DATA_DIR: folder });
    const client = await TaskManager.connect({
      transport: 'tcp',
      port: service.port,
      appName: 'app',
    });
    try {
      return await work(client);
    } finally {
      await client.close();
      await service.close();
    }
  }

  function backUp(): void {
    const log = new Database(join(folder, 'log.db'));
    log.exec(`VACUUM INTO '${join(folder, 'backup.db')}'`);
    log.close();
  }

  function putBack(): void {
    renameSync(join(folder, 'backup.db'), join(folder, 'log.db'));
    for (const end of ['-wal', '-shm']) rmSync(join(folder, `log.db${end}`), { force: true });
  }

  it('answers what the log holds, not what the views remember', async () => {
    const kept = await serving((client) => client.createTask('kept', 'publish'));
    backUp();
    const lost = await serving(async (client) => {
      const id = await client.createTask('lost', 'publish');
      expect((await client.getTask(id)).name).toBe('lost');
      return id;
    });
    putBack();

    await serving(async (client) => {
      await client.startTask(kept);
      expect((await client.listTasks()).map(({ id }) => id)).toEqual([kept]);
      await expect(client.getTask(lost)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
      expect(await client.getTask(kept)).toMatchObject({ status: 'running', revision: 1 });
    });
  });

  it('a client goes on across it: it hears, waits and asks, and is told what it cannot hear', async () => {
    const before = await startService({ DATA_DIR: folder });
    const errors: unknown[] = [];
    const client = await TaskManager.connect({
      transport: 'tcp',
      port: before.port,
      appName: 'app',
      onError: (error) => void errors.push(error),
    });
    const heard: string[] = [];
    await client.addTaskEventListener((event, { taskId }) => void heard.push(`${event} ${taskId}`));
    const kept = await client.createTask('kept', 'publish');
    await client.startTask(kept);
    await client.pauseTask(kept);
    const waiting = client.updateTaskProgress(kept, 1, 2, { whilePaused: 'wait' });
    while ((await client.getTask(kept)).pauseAcknowledged !== true);
    backUp();
    for (const name of ['lost', 'lost too']) await client.createTask(name, 'publish');
    await before.close();
    putBack();

    const after = await startService({ DATA_DIR: folder, TCP_PORT: String(before.port) });
    while (!errors.some((error) => String(error).includes('begins anew'))) {
      await client.getTask(kept);
    }
    const fresh = await client.createTask('fresh', 'publish');
    await client.resumeTask(kept);
    await waiting;
    // Started and paused before, resumed after.
    const changes = () => heard.filter((line) => line === `task_status_updated ${kept}`).length;
    while (changes() < 3 || !heard.includes(`task_created ${fresh}`)) await setImmediate();
    expect((await client.listTasks()).map(({ name }) => name).sort()).toEqual(['fresh', 'kept']);
    await client.close();
    await after.close();
  });
});
