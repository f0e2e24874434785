import { afterEach, describe, expect, it } from '@jest/globals';
import Database from '@taskmanager/sqlite-driver';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './nats.js';
import { runMain, spawnService } from './service.js';
import { RawTcp } from './transport-raw.js';

/** The built service as a user starts it: `node dist/main.js`. */
describe('The service as a process', () => {
  const folders: string[] = [];
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'taskmanager-process-'));
    folders.push(made);
    return made;
  };
  afterEach(() => {
    for (const each of folders.splice(0)) rmSync(each, { recursive: true, force: true });
  });

  it('prints its settings', async () => {
    const run = runMain({}, ['--help']);
    expect(await run.exit).toBe(0);
    expect(run.output()).toContain('TCP_PORT');
    expect(run.output()).toContain('default 4010');
  });

  it('says in a few lines what listens where, where the data lies and what to try next', async () => {
    const service = await spawnService();
    expect(await service.stop()).toBe(0);
    expect(service.output()).toContain(`127.0.0.1:${service.port}`);
    expect(service.output()).toContain(service.dataDir);
    expect(service.output()).toContain('npm run demo');
    expect(service.output().trim().split('\n').length).toBeLessThan(10);
    service.forget();
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s answers what is in flight, loses no answered command and exits with 0',
    async (signal) => {
      const service = await spawnService();
      const client = await RawTcp.connect(service.port);
      const create = async (id: string) => {
        const task = { id, name: 'n', taskType: 't', appName: 'a' };
        return {
          id,
          reply: await client.request('tasks.command.create_task', task).catch(() => undefined),
        };
      };
      const creations = Array.from({ length: 200 }, () => create(randomUUID()));
      // Requests of one connection are begun in order: when this is answered, those are in flight.
      await client.request('tasks.query.task_stats', {});
      const late = Array.from({ length: 100 }, () => create(randomUUID()));
      const stopping = service.stop(signal);
      const outcomes = await Promise.all(creations);
      expect(outcomes.filter(({ reply }) => reply?.response === undefined)).toEqual([]);
      // These crossed the stop on their way: done, refused, or cut off with the connection.
      const crossed = await Promise.all(late);
      for (const { reply } of crossed)
        expect(reply?.err?.code ?? 'UNAVAILABLE').toBe('UNAVAILABLE');
      await client.closed;
      expect(await stopping).toBe(0);

      const again = await spawnService({ DATA_DIR: service.dataDir });
      const reader = await RawTcp.connect(again.port);
      for (const { id, reply } of [...outcomes, ...crossed]) {
        if (!reply) continue;
        const { err } = await reader.request('tasks.query.get_task', { id });
        expect(err === undefined).toBe(reply.response !== undefined);
      }
      await reader.end();
      expect(await again.stop()).toBe(0);
      service.forget();
    },
    60_000,
  );

  it('ends feeds and claims that wait, empty, without waiting for their time', async () => {
    const service = await spawnService();
    const client = await RawTcp.connect(service.port);
    // More on one connection than Node lets listen to one signal without a warning.
    const waits = Array.from({ length: 20 }, () => ({
      feed: client.request('tasks.query.read_events', { from: 'now', waitMs: 30_000 }),
      claim: client.request('tasks.command.claim_tasks', {
        workerId: 'w',
        taskTypes: ['t'],
        waitMs: 30_000,
      }),
    }));
    // Requests of one connection are begun in order: when this is answered, those wait.
    await client.request('tasks.query.task_stats', {});
    const started = performance.now();
    expect(await service.stop()).toBe(0);
    for (const { feed, claim } of waits) {
      expect((await feed).response).toMatchObject({ events: [] });
      expect((await claim).response).toEqual({ tasks: [] });
    }
    expect(performance.now() - started).toBeLessThan(9_000);
    expect(service.output()).not.toContain('Warning');
    service.forget();
  });

  const failsWith = async (variables: Record<string, string>, why: RegExp): Promise<void> => {
    const run = runMain({ TCP_PORT: '0', DATA_DIR: folder(), ...variables });
    expect(await run.exit).toBe(1);
    expect(run.output()).toMatch(why);
    expect(run.output().trim().split('\n')).toHaveLength(1);
  };

  it('a wrong setting is one line and exit code 1', () =>
    failsWith({ TCP_PORT: 'many' }, /TCP_PORT is "many"; allowed: a whole number/));

  it('so is a port in use', async () => {
    const service = await spawnService();
    await failsWith({ TCP_PORT: String(service.port) }, /EADDRINUSE.*another program/);
    await service.stop();
    service.forget();
  });

  it('so is an address that is not of this machine', async () => {
    const tokens = join(folder(), 'tokens.json');
    writeFileSync(tokens, '{}');
    await failsWith({ TCP_HOST: '192.0.2.1', AUTH_FILE: tokens }, /EADDRNOTAVAIL/);
  });

  it('so is a token file that cannot be read', () =>
    failsWith({ AUTH_FILE: '/nowhere/tokens.json' }, /AUTH_FILE .*nowhere/));

  it('so is a data folder that cannot be written', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    await failsWith({ DATA_DIR: join(file, 'data') }, /cannot make .*data/);
  });

  it('so is a log of a newer version', async () => {
    const dataDir = folder();
    const first = await spawnService({ DATA_DIR: dataDir });
    await first.stop();
    const db = new Database(join(dataDir, 'log.db'));
    db.pragma('user_version = 999');
    db.close();
    await failsWith({ DATA_DIR: dataDir }, /newer/);
  });

  it('so is something else in the place of the log', async () => {
    const dataDir = folder();
    writeFileSync(join(dataDir, 'log.db'), 'this is no database, and never was one'.repeat(100));
    await failsWith({ DATA_DIR: dataDir }, /log\.db/);
  });

  it('a broker that is not there does not keep it from serving TCP, and it says so', async () => {
    const port = await freePort();
    const run = runMain({
      TCP_PORT: '0',
      DATA_DIR: folder(),
      NATS_URL: `nats://127.0.0.1:${port}`,
    });
    await run.until(/TCP\s+\S*:(\d+)/);
    await run.until(/waiting for the broker/);
    run.child.kill('SIGTERM');
    expect(await run.exit).toBe(0);
  });

  it('takes no harm from whoever only connects', async () => {
    const service = await spawnService();
    const clients = await Promise.all(
      Array.from({ length: 50 }, () => RawTcp.connect(service.port)),
    );
    expect(await service.stop()).toBe(0);
    await Promise.all(clients.map((client) => client.closed));
    service.forget();
  });
});
