import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TaskInfo, TaskManager, TaskWorker } from '@taskmanager/client';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Broker, freePort, startBroker } from './nats.js';
import { type Service, startService } from './service.js';
import { gateOf, NO_LOG, stoppedBy, TRANSPORTS } from './worker-setting.js';

describe.each(TRANSPORTS)('a worker over %s whose service restarts', (transport) => {
  let broker: Broker;
  let folder: string;
  let port: number;
  let own: Service;
  let client: TaskManager;

  const start = async () => {
    own = await startService({ DATA_DIR: folder, TCP_PORT: String(port), NATS_URL: broker.url });
    await own.nats;
  };
  beforeAll(async () => {
    broker = await startBroker();
    folder = mkdtempSync(join(tmpdir(), 'worker-restart-'));
    port = await freePort();
    await start();
    client = await TaskManager.connect(
      transport === 'tcp'
        ? { transport, port, actor: 'operator' }
        : { transport, servers: broker.url, actor: 'operator' },
    );
  });
  afterAll(async () => {
    await client?.close();
    await own?.close();
    await broker?.stop();
    rmSync(folder, { recursive: true });
  });

  it('goes on meanwhile and loses nothing; what happens after it is heard', async () => {
    const worker = new TaskWorker(client, { log: NO_LOG });
    const [started, away, hasSaved] = [gateOf(), gateOf(), gateOf()];
    worker.handle('finish', async (task) => {
      await away.opened;
      task.progress(50, 'while it is away');
      await task.saveCheckpoint('saved');
      hasSaved.open();
      return task.signal.aborted;
    });
    worker.handle('cancel', async (task) => {
      started.open();
      await stoppedBy(task);
    });
    worker.start();
    const create = (type: string) =>
      client.createTask(type, type, 'app', undefined, { runBy: 'worker' });
    const [finish, cancel] = [await create('finish'), await create('cancel')];
    await started.opened;
    await own.close();
    away.open();
    const noAnswer = client.getTask(finish, { timeoutMs: 300 });
    await expect(noAnswer).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await start();
    await hasSaved.opened;
    await client.cancelTask(cancel);
    const after = async (id: string, isSo: (task: TaskInfo) => boolean) => {
      for (;;) {
        const task = await client.getTask(id);
        if (isSo(task)) return task;
        await delay(10);
      }
    };
    await after(cancel, ({ cancelAcknowledged }) => cancelAcknowledged === true);
    expect(await after(finish, (task) => task.status === 'completed')).toMatchObject({
      attempt: 1,
      stallCount: 0,
      checkpoint: 'saved',
      message: 'while it is away',
      result: false,
    });
    const next = await create('finish');
    await after(next, ({ status }) => status === 'completed');
    await worker.stop();
  });
});
