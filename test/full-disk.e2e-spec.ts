import { afterEach, describe, expect, it } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { type CommandAnswer, TaskManager } from '@taskmanager/client';
import type { TaskInfo } from '@taskmanager/protocol';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byStream, readLogFile } from './crash/log-rows.js';
import { checkViews } from './crash/view-checks.js';
import { verifyChain } from './model/task-fold.js';
import { LogFile } from '../src/event-store/sqlite/index.js';
import { startBroker } from './nats.js';
import { type ServiceProcess, spawnService, startService } from './service.js';
import { RawTcp, type RawReply } from './transport-raw.js';

const KIB = 1024;
const LARGE = 'x'.repeat(100 * KIB);
/** More than the disk and the file both hold. */
const MOST_WRITES = 500;

/** Makes the disk full for one process, and gives the room back. */
interface Disk {
  readonly dataDir: string;
  fill(service: ServiceProcess): void;
  giveBack(service: ServiceProcess): void;
  remove(): void;
}

/** No file of the process may grow past the size that its log has now: the kernel refuses the write. */
function limitedFiles(): Disk {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmanager-full-'));
  const setLimit = ({ child }: ServiceProcess, bytes: number | 'unlimited') =>
    void execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${bytes}:`]);
  return {
    dataDir,
    fill: (service) => setLimit(service, statSync(join(dataDir, 'log.db-wal')).size),
    giveBack: (service) => setLimit(service, 'unlimited'),
    remove: () => rmSync(dataDir, { recursive: true }),
  };
}

/** A disk of its own in memory, with another file that takes all that is left. */
function smallDisk(): Disk {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmanager-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', dataDir]);
  const other = join(dataDir, 'other');
  return {
    dataDir,
    fill: () => {
      const file = openSync(other, 'w');
      try {
        for (;;) writeSync(file, LARGE);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    giveBack: () => rmSync(other),
    remove: () => {
      execFileSync('umount', [dataDir]);
      rmSync(dataDir, { recursive: true });
    },
  };
}

/** Mounting needs a right that not everybody has; the limit on files stands in for it everywhere. */
function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'taskmanager-mount-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  if (status === 0) execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return status === 0;
}

const DISKS: readonly (readonly [string, () => Disk])[] = [
  ['files that may not grow', limitedFiles],
  ...(mayMount() ? [['a disk without room', smallDisk] as const] : []),
];

if (DISKS.length === 1) {
  process.stdout.write(
    'full disk: mounting is not permitted here, only the limit on files is tried\n',
  );
}

describe.each(DISKS)('With %s', (_, prepare) => {
  const undo: (() => unknown)[] = [];
  afterEach(async () => {
    for (const each of undo.splice(0).reverse()) await each();
  });

  it('refuses commands as UNAVAILABLE, answers queries, and goes on by itself when there is room', async () => {
    const disk = prepare();
    undo.push(() => disk.remove());
    const service = await spawnService({ DATA_DIR: disk.dataDir });
    undo.push(() => service.stop('SIGKILL'));
    const client = await TaskManager.connect({
      transport: 'tcp',
      port: service.port,
      actor: 'app',
    });
    undo.push(() => client.close());
    const raw = await RawTcp.connect(service.port);
    undo.push(() => raw.end());
    const acknowledged: CommandAnswer[] = [];
    const write = async () => {
      const { response, err } = await raw.request('tasks.command.update_task_data', {
        id,
        data: { text: LARGE, n: acknowledged.length },
        meta: { actor: { id: 'app' }, commandId: randomUUID() },
      });
      if (response) acknowledged.push(response as CommandAnswer);
      return err;
    };
    const id = await client.createTask('Write much', 'publish', 'app');
    acknowledged.push(await client.startTask(id));
    await client.getTask(id);
    expect(await write()).toBeUndefined();

    disk.fill(service);
    let refusal: Awaited<ReturnType<typeof write>>;
    for (let n = 0; n < MOST_WRITES && !refusal; n++) refusal = await write();
    expect(refusal).toMatchObject({ code: 'UNAVAILABLE', correlationId: expect.any(String) });
    const others = await Promise.all(Array.from({ length: 20 }, write));
    const codes = others.flatMap((err) => (err ? [err.code] : []));
    expect(new Set(codes)).toEqual(new Set(['UNAVAILABLE']));

    // Sent again by the client until it is taken.
    const patient = client.updateTaskData(id, { text: LARGE, patient: true });
    expect(await write()).toMatchObject({ code: 'UNAVAILABLE' });
    const meanwhile = {
      get: await raw.ok('tasks.query.get_task', { id }),
      list: await raw.ok('tasks.query.list_tasks', { statuses: ['running'] }),
      stats: await raw.ok('tasks.query.task_stats', {}),
      history: await raw.ok<{ events: unknown[] }>('tasks.query.get_task_history', {
        id,
        limit: 2,
      }),
      feed: await raw.ok<{ events: unknown[] }>('tasks.query.read_events', { limit: 2 }),
    };
    expect(meanwhile).toMatchObject({
      get: { id, status: 'running' },
      list: { tasks: [{ id }] },
      stats: { total: 1 },
      history: { events: [{ type: 'TaskCreated' }, { type: 'TaskStarted' }] },
      feed: { events: [{ type: 'TaskCreated' }, { type: 'TaskStarted' }] },
    });
    expect(service.child.exitCode).toBeNull();

    disk.giveBack(service);
    acknowledged.push(await patient);
    expect(await write()).toBeUndefined();
    acknowledged.push(await client.completeTask(id));

    const rows = readLogFile(join(disk.dataDir, 'log.db'));
    const stored = rows.map((row) => `${row.id} ${row.revision} ${row.position}`);
    const said = acknowledged.map(
      ({ events, position }) => `${events[0]!.id} ${events[0]!.revision} ${position}`,
    );
    expect(said.filter((event) => !stored.includes(event))).toEqual([]);
    expect([...byStream(rows).values()].flatMap(verifyChain)).toEqual([]);
    expect(await checkViews(client, rows)).toEqual([]);
    expect(await client.getTask(id)).toMatchObject({ status: 'completed' });

    // What was refused for want of room leaves nothing behind that a restart would stumble over.
    await client.close();
    await service.stop('SIGKILL');
    const again = await spawnService({ DATA_DIR: disk.dataDir });
    undo.push(() => again.stop('SIGKILL'));
    expect(readLogFile(join(disk.dataDir, 'log.db'))).toEqual(rows);
  }, 120_000);
});

it('A log that may not grow is UNAVAILABLE over both transports, not a crash, and heals by itself', async () => {
  const broker = await startBroker();
  const service = await startService({ NATS_URL: broker.url });
  await service.nats;
  const tcp = await RawTcp.connect(service.port);
  const nats = await connect({ servers: broker.url });
  const overNats = async (subject: string, data: unknown): Promise<RawReply> =>
    (await nats.request(subject, JSON.stringify({ id: '1', data }))).json<RawReply>();
  try {
    const id = randomUUID();
    const task = { id, name: 'n', taskType: 'copy', appName: 'shop' };
    await tcp.ok('tasks.command.create_task', task);
    const { db } = service.app.get(LogFile, { strict: false });
    const pages = Number(db.pragma('page_count', { simple: true }));
    db.pragma(`max_page_count = ${pages}`);
    const update = (fill: number) => ({ id, data: String(fill).repeat(100_000) });
    let refused: RawReply | undefined;
    for (let fill = 0; fill < 100 && !refused?.err; fill++) {
      refused = await tcp.request('tasks.command.update_task_data', update(fill % 10));
    }
    expect(refused?.err).toMatchObject({ code: 'UNAVAILABLE' });
    expect((await overNats('tasks.command.update_task_data', update(1))).err?.code).toBe(
      'UNAVAILABLE',
    );
    expect(await tcp.request('tasks.query.get_task', { id })).toHaveProperty('response');

    db.pragma('max_page_count = 1073741823');
    const healed = await tcp.ok<CommandAnswer>('tasks.command.update_task_data', {
      id,
      data: 'healed',
    });
    const query = { id, meta: { after: healed.position } };
    expect((await tcp.ok<TaskInfo>('tasks.query.get_task', query)).data).toBe('healed');
  } finally {
    await nats.close();
    await tcp.end();
    await service.close();
    await broker.stop();
  }
});
