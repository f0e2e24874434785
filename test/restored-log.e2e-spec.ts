import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  it('answers what the log holds, not what the views remember', async () => {
    const kept = await serving((client) => client.createTask('kept', 'publish'));
    const log = new Database(join(folder, 'log.db'));
    log.exec(`VACUUM INTO '${join(folder, 'backup.db')}'`);
    log.close();
    const lost = await serving(async (client) => {
      const id = await client.createTask('lost', 'publish');
      expect((await client.getTask(id)).name).toBe('lost');
      return id;
    });
    renameSync(join(folder, 'backup.db'), join(folder, 'log.db'));
    for (const end of ['-wal', '-shm']) rmSync(join(folder, `log.db${end}`), { force: true });

    await serving(async (client) => {
      await client.startTask(kept);
      expect((await client.listTasks()).map(({ id }) => id)).toEqual([kept]);
      await expect(client.getTask(lost)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
      expect(await client.getTask(kept)).toMatchObject({ status: 'running', revision: 1 });
    });
  });
});
