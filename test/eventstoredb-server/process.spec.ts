import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EventStoreDBClient, NO_STREAM, START } from '@eventstore/db-client';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  EventStoreDbServer,
  type SpawnedEventStoreDbServer,
  spawnEventStoreDbServer,
} from './index.js';
import { event, events, typesOf } from './with-server.js';

let folder: string;
let server: SpawnedEventStoreDbServer | undefined;
let client: EventStoreDBClient | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eventstoredb-test-'));
});
afterEach(async () => {
  await client?.dispose();
  await server?.close();
  await rm(folder, { recursive: true });
});

async function start(options = {}): Promise<EventStoreDBClient> {
  server = await spawnEventStoreDbServer(options);
  return (client = EventStoreDBClient.connectionString(server.connectionString));
}

describe('a server that is killed with appends in flight', () => {
  test('has all that it acknowledged, once and in order, when it comes back', async () => {
    const client = await start({ folder });
    const acknowledged = new Map<string, number>();
    let inFlight = 0;
    const writers = Array.from({ length: 16 }, async (_, writer) => {
      for (let revision = 0; ; revision += 1) {
        inFlight += 1;
        const expectedRevision = revision === 0 ? NO_STREAM : BigInt(revision - 1);
        await client.appendToStream(`s-${writer}`, event(`E${revision}`), { expectedRevision });
        inFlight -= 1;
        acknowledged.set(`s-${writer}`, revision + 1);
        const total = [...acknowledged.values()].reduce((sum, count) => sum + count, 0);
        if (total === 300) await server!.kill();
      }
    });
    await Promise.allSettled(writers);
    expect(inFlight).toBeGreaterThan(0);

    await server!.restart();
    await client.dispose();
    for (const [stream, count] of acknowledged) {
      const types = await typesOf(client.readStream(stream));
      expect(types.slice(0, count)).toEqual(Array.from({ length: count }, (_, n) => `E${n}`));
      expect(types.length - count).toBeLessThanOrEqual(1);
    }
  });

  test('answers a repeated append as it did before', async () => {
    const client = await start({ folder });
    const same = event('A');
    const first = await client.appendToStream('s', same, { expectedRevision: NO_STREAM });
    await client.appendToStream('s', events('B'));
    await server!.restart();
    const again = await untilReached(() =>
      client.appendToStream('s', same, { expectedRevision: NO_STREAM }),
    );
    expect(again).toEqual(first);
    expect((await client.appendToStream('s', events('C'))).position!.commit).toBeGreaterThan(
      first.position!.commit,
    );
    expect(await typesOf(client.readStream('s'))).toEqual(['A', 'B', 'C']);
  });
});

/** The first call after a restart may still find the old connection. */
async function untilReached<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (attempt === 20) throw error;
    }
  }
}

describe('the log on disk', () => {
  test('is cut where its last append was torn', async () => {
    const first = await EventStoreDbServer.start({ folder });
    client = EventStoreDBClient.connectionString(first.connectionString);
    await client.appendToStream('s', events('A'));
    await client.appendToStream('s', events('B', 'C'));
    await client.dispose();
    await first.close();

    const log = join(folder, 'log.jsonl');
    const bytes = await readFile(log);
    await writeFile(log, bytes.subarray(0, -20));
    const second = await EventStoreDbServer.start({ folder });
    client = EventStoreDBClient.connectionString(second.connectionString);
    expect(await typesOf(client.readStream('s'))).toEqual(['A']);
    await client.appendToStream('s', events('D'), { expectedRevision: 0n });
    await client.dispose();
    await second.close();

    await appendFile(log, '[{"id":');
    const third = await EventStoreDbServer.start({ folder });
    client = EventStoreDBClient.connectionString(third.connectionString);
    expect(await typesOf(client.readStream('s'))).toEqual(['A', 'D']);
    await client.dispose();
    await third.close();
  });

  test('keeps deletions, tombstones and metadata, and the events of a fresh server once', async () => {
    const first = await EventStoreDbServer.start({ folder });
    client = EventStoreDBClient.connectionString(first.connectionString);
    for (const name of ['deleted', 'tombstoned', 'limited']) {
      await client.appendToStream(name, events('A', 'B', 'C'));
    }
    await client.deleteStream('deleted');
    await client.tombstoneStream('tombstoned');
    await client.setStreamMetadata('limited', { maxCount: 1 });
    const before = await typesOf(client.readAll());
    await client.dispose();
    await first.close();

    const second = await EventStoreDbServer.start({ folder });
    client = EventStoreDBClient.connectionString(second.connectionString);
    expect(await typesOf(client.readAll())).toEqual(before);
    await expect(typesOf(client.readStream('deleted'))).rejects.toMatchObject({
      type: 'stream-not-found',
    });
    await expect(typesOf(client.readStream('tombstoned'))).rejects.toMatchObject({
      type: 'stream-deleted',
    });
    expect(await typesOf(client.readStream('limited'))).toEqual(['C']);
    await client.dispose();
    await second.close();
  });
});

describe('a process', () => {
  test('that is frozen answers nothing, and goes on when it is thawed', async () => {
    const client = await start();
    await client.appendToStream('s', events('A'));
    server!.freeze();
    let answered = false;
    const append = client.appendToStream('s', events('B')).then((result) => {
      answered = true;
      return result;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(answered).toBe(false);
    server!.thaw();
    expect(await append).toMatchObject({ nextExpectedRevision: 1n });
  });

  test('that is frozen can be killed, and comes back at its port', async () => {
    const client = await start();
    const { port, child } = server!;
    server!.freeze();
    await server!.restart();
    expect(server!.port).toBe(port);
    expect(server!.child.pid).not.toBe(child.pid);
    expect((await typesOf(client.readAll())).length).toBeGreaterThan(0);
  });

  test('takes faults and tells its calls', async () => {
    const client = await start();
    await server!.setFault({ reads: { kind: 'fail', status: 'ABORTED' } });
    await expect(typesOf(client.readAll())).rejects.toMatchObject({ type: 'timeout' });
    await server!.setFault({ reads: undefined });
    await typesOf(client.readAll());
    const subscription = client.subscribeToAll({ fromPosition: START });
    await once(subscription.resume(), 'caughtUp');
    expect(await server!.calls()).toEqual({
      read: { open: 0, total: 2 },
      subscribe: { open: 1, total: 1 },
    });
    const failed = once(subscription, 'error');
    await server!.failSubscriptionsAsTooSlow();
    expect(await failed).toMatchObject([{ type: 'timeout' }]);
    await server!.setFault({ reads: { kind: 'fail', status: 'ABORTED' } });
    await server!.clearFaults();
    await typesOf(client.readAll());
  });

  test('ends gracefully', async () => {
    const client = await start();
    const subscription = client.subscribeToAll({ fromPosition: START });
    await once(subscription.resume(), 'caughtUp');
    const ended = once(subscription, 'end');
    await server!.shutdown();
    await ended;
    expect(server!.child.exitCode).toBe(0);
  });

  test('says why it could not start', async () => {
    await start();
    await expect(spawnEventStoreDbServer({ port: server!.port })).rejects.toThrow('EADDRINUSE');
  });

  test('ends with the process that started it, and leaves no file', async () => {
    const launcher = new URL('./launch.mjs', import.meta.url).href;
    const program = `
      import { spawnEventStoreDbServer } from ${JSON.stringify(launcher)};
      const { child } = await spawnEventStoreDbServer();
      console.log(child.pid);
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '', TMPDIR: folder },
    });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    expect(await readdir(folder)).toEqual([]);
    const closed = once(parent, 'close');
    parent.kill('SIGKILL');
    await closed;
    await untilGone(Number(line));
  });
});

async function untilGone(pid: number): Promise<void> {
  for (const until = Date.now() + 10_000; Date.now() < until;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Process ${pid} is still there after ten seconds.`);
}
