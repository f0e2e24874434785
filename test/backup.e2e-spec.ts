import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import type { BackupReport, JobInfo, TaskInfo } from '@taskmanager/protocol';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from '@taskmanager/sqlite-driver';
import { v7 } from 'uuid';
import { restoreProgram } from '../src/backup/main.js';
import { copyInThread } from '../src/backup/copy-in-thread.js';
import type { Manifest } from '../src/backup/manifest.js';
import { LogFiles } from '../src/event-store/index.js';
import { SqliteEventLog } from '../src/event-store/sqlite/index.js';
import { LogAudit } from '../src/log-copy/log-audit.js';
import { EventStoreDbServer } from './eventstoredb-server/index.js';
import { eventsOf } from './log-copy-fixture.js';
import { settingsFor } from './on-eventstoredb/on-eventstoredb.js';
import { type ServiceProcess, spawnService, startService } from './service.js';
import { until } from './until.js';

const SCRIPT = fileURLToPath(new URL('../scripts/restore.mjs', import.meta.url));
const LIMIT_MS = 30_000;

const folder = mkdtempSync(join(tmpdir(), 'taskmanager-backup-'));
const at = (...names: string[]) => join(folder, ...names);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** In the test's own process, which is quicker; answers as the program does. */
async function restore(...args: string[]) {
  const text = { output: '', errors: '' };
  const into = (name: 'output' | 'errors') => ({
    write: (part: string) => (text[name] += part),
  });
  const streams = { output: into('output'), errors: into('errors') };
  const { signal } = new AbortController();
  const code = await restoreProgram({ args, variables: {}, ...streams, signal });
  return { code, ...text };
}

/** As `npm run restore` runs it. */
async function restoreProcess(...args: string[]) {
  return restoreWith({}, ...args);
}

async function restoreWith(variables: Readonly<Record<string, string>>, ...args: string[]) {
  const env = { PATH: process.env['PATH'], ...variables };
  const child = spawn(process.execPath, [SCRIPT, ...args], { env, stdio: 'pipe' });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (part: string) => (text[name] += part));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: text.stdout, errors: text.stderr };
}

const connect = (port: number) => TaskManager.connect({ transport: 'tcp', port, appName: 'shop' });

async function ended(client: TaskManager, jobId: string): Promise<JobInfo> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const job = await client.admin.getJob(jobId);
    if (job.state !== 'running') return job;
    if (Date.now() > deadline) throw new Error(`Job ${jobId} does not end.`);
    await sleep(20);
  }
}

async function backup(client: TaskManager, name?: string): Promise<JobInfo> {
  const { jobId } = await client.admin.backup(name);
  return ended(client, jobId);
}

async function logIn(dataDir: string) {
  const log = SqliteEventLog.open({ file: join(dataDir, 'log.db') });
  const events = await eventsOf(log);
  await log.close();
  return events;
}

/** Creates and finishes tasks until it is told to stop; answers how many commands took effect. */
function load(client: TaskManager, inFlight: number) {
  let stopped = false;
  let commands = 0;
  const one = async () => {
    while (!stopped) {
      const id = await client.createTask('n', 'publish', 'shop', { text: 'x'.repeat(500) });
      await client.startTask(id);
      await client.completeTask(id, { result: { ok: true } });
      commands += 3;
    }
  };
  const all = Promise.all(Array.from({ length: inFlight }, one));
  return {
    count: () => commands,
    stop: async () => {
      stopped = true;
      await all;
      return commands;
    },
  };
}

describe('A backup of a service under load', () => {
  let service: ServiceProcess;
  let client: TaskManager;

  beforeAll(async () => {
    service = await spawnService({ DATA_DIR: at('data'), BACKUP_DIR: at('backups') });
    client = await connect(service.port);
  });
  afterAll(async () => {
    await client.close();
    await service.stop();
  });

  it('is whole, goes up to one place in the log, and a service goes on from it', async () => {
    const busy = load(client, 8);
    await until(() => busy.count() >= 300);
    const { jobId } = await client.admin.backup('first');
    const before = busy.count();
    const job = await ended(client, jobId);
    const during = busy.count() - before;
    await busy.stop();
    const { directory, bytes, events, position } = job.result as unknown as BackupReport;
    expect(job).toMatchObject({ state: 'done', kind: 'backup', by: 'shop' });
    expect(directory).toBe(at('backups', 'first'));
    expect(readdirSync(directory).sort()).toEqual(['log.db', 'manifest.json']);
    expect(readFileSync(join(directory, 'log.db'))).toHaveLength(bytes);
    expect(during).toBeGreaterThan(0);

    const restored = await restoreProcess('--from', directory, '--to', at('restored'));
    expect(restored).toMatchObject({ code: 0, errors: '' });
    expect(restored.output).toContain('every hash chain holds');
    const [all, kept] = [await logIn(at('data')), await logIn(at('restored'))];
    expect(kept).toHaveLength(events);
    expect(kept.at(-1)!.position).toBe(position);
    expect(kept).toEqual(all.slice(0, events));
    expect(all.length).toBeGreaterThan(events);
    const audit = new LogAudit();
    for (const event of kept) audit.see(event);
    expect(audit.report().brokenLinks).toBe(0);

    const second = await startService({ DATA_DIR: at('restored') });
    const there = await connect(second.port);
    const tasks = new Map<string, number>();
    for (const { stream, revision } of kept) {
      if (stream.startsWith('task-')) tasks.set(stream.slice(5), Number(revision));
    }
    const present = new Map<string, TaskInfo>();
    for await (const task of client.tasks({ limit: 500 })) present.set(task.id, task);
    let seen = 0;
    for await (const task of there.tasks({ limit: 500 })) {
      expect(task.revision).toBe(tasks.get(task.id));
      const now = present.get(task.id);
      if (now?.revision === task.revision) expect(task).toEqual(now);
      seen += 1;
    }
    expect(seen).toBe(tasks.size);
    await expect(there.createTask('on', 'publish')).resolves.toBeDefined();
    await there.close();
    await second.close();
  });

  it('is not made outside of its folder, and has the time for a name', async () => {
    for (const name of ['../out', '.hidden', '/tmp/x', '', 'a/b', 'a'.repeat(101)]) {
      await expect(client.admin.backup(name)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    }
    const named = await backup(client);
    const { directory } = named.result as unknown as BackupReport;
    expect(directory).toMatch(/backups\/\d{4}-\d\d-\d\dT[\d-]+Z$/);
  });
});

describe('A backup', () => {
  const backups = at('others');
  let original: string;
  /** What is in it: 60 events of tasks. */
  let held: Awaited<ReturnType<typeof logIn>>;

  beforeAll(async () => {
    const service = await startService({ DATA_DIR: at('small'), BACKUP_DIR: backups });
    const client = await connect(service.port);
    for (let n = 0; n < 30; n++)
      await client.startTask(await client.createTask(`n${n}`, 'publish'));
    original = ((await backup(client, 'small')).result as unknown as BackupReport).directory;
    await client.close();
    await service.close();
    held = await logIn(at('small'));
  });

  let copies = 0;
  const copied = () => {
    const copy = at(`copy-${++copies}`);
    cpSync(original, copy, { recursive: true });
    return copy;
  };
  const target = () => at(`target-${copies}`);
  /** As whoever knows how a manifest is made could. */
  const fitManifest = (copy: string) => {
    const bytes = readFileSync(join(copy, 'log.db'));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    changeManifest(copy, ({ file }) => ({ file: { ...file, sha256, bytes: bytes.length } }));
  };
  const changeManifest = (copy: string, change: (manifest: Manifest) => object) => {
    const file = join(copy, 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
    writeFileSync(file, JSON.stringify({ ...manifest, ...change(manifest) }));
  };
  /** As whoever can write to the file could. */
  const changeEvent = (directory: string) => {
    const db = new Database(join(directory, 'log.db'));
    db.exec(`UPDATE event SET data = replace(data, 'n7', 'n8') WHERE position = 15`);
    db.close();
  };

  const broken: readonly [what: string, breakIt: (copy: string) => void, why: RegExp][] = [
    [
      'a changed byte',
      (copy) => {
        const bytes = readFileSync(join(copy, 'log.db'));
        bytes[bytes.length - 100]! ^= 1;
        writeFileSync(join(copy, 'log.db'), bytes);
      },
      /not the one that its manifest describes/,
    ],
    ['no log', (copy) => rmSync(join(copy, 'log.db')), /has no log/],
    ['no manifest', (copy) => rmSync(join(copy, 'manifest.json')), /is no backup/],
    [
      'a manifest of a later form',
      (copy) => changeManifest(copy, () => ({ version: 2 })),
      /restore it with the release that made it/,
    ],
    [
      'an event changed, and a manifest to fit',
      (copy) => {
        changeEvent(copy);
        fitManifest(copy);
      },
      /1 events do not hold in their hash chain, the first: TaskCreated .* revision 0/,
    ],
    [
      'something in it that would change what is written later',
      (copy) => {
        const db = new Database(join(copy, 'log.db'));
        db.exec(
          `CREATE TRIGGER quiet AFTER INSERT ON event WHEN new.type = 'CommandRefused'
           BEGIN DELETE FROM event WHERE position = new.position; END`,
        );
        db.close();
        fitManifest(copy);
      },
      /is damaged: it has a trigger, quiet/,
    ],
    [
      'fewer events than its manifest says',
      (copy) => changeManifest(copy, ({ log }) => ({ log: { ...log, events: 61 } })),
      /holds 60 events .* its manifest says 61/,
    ],
  ];
  it.each(broken)(
    'with %s is not restored, and the folder stays as it was',
    async (_, breakIt, why) => {
      const copy = copied();
      breakIt(copy);
      const { code, errors } = await restore('--from', copy, '--to', target());
      expect({ code, lines: errors.split('\n').length }).toEqual({ code: 1, lines: 2 });
      expect(errors).toMatch(why);
      expect(existsSync(target()) ? readdirSync(target()) : []).toEqual([]);
    },
  );

  it('is restored without the snapshots in it, which no hash chain covers', async () => {
    const copy = copied();
    const sql = (directory: string, text: string) => {
      const db = new Database(join(directory, 'log.db'));
      const count = db.prepare(text);
      const found = count.reader ? count.pluck().get() : count.run().changes;
      db.close();
      return found;
    };
    sql(
      copy,
      "INSERT INTO snapshot (stream, revision, version, state) VALUES ('task-x', 1, 1, '{}')",
    );
    fitManifest(copy);
    expect(await restore('--from', copy, '--to', target())).toMatchObject({ code: 0, errors: '' });
    expect(sql(copy, 'SELECT count(*) FROM snapshot')).toBe(1);
    expect(sql(target(), 'SELECT count(*) FROM snapshot')).toBe(0);
    expect(await logIn(target())).toEqual(held);
  });

  it('is not put over a service that runs, nor over another log unless that is moved aside', async () => {
    const service = await startService({ DATA_DIR: at('used'), BACKUP_DIR: backups });
    const client = await connect(service.port);
    await client.createTask('here', 'publish');
    const used = await restoreProcess('--from', original, '--to', at('used'), '--force');
    expect(used).toMatchObject({ code: 1, errors: expect.stringContaining('is in use') });
    await client.createTask('still here', 'publish');
    await client.close();
    await service.close();
    writeFileSync(at('used', 'of-a-worker'), '');
    const before = await logIn(at('used'));
    const refused = await restore('--from', original, '--to', at('used'));
    expect(refused).toMatchObject({ code: 1, errors: expect.stringContaining('--force') });
    expect(await logIn(at('used'))).toEqual(before);
    expect((await restore('--from', original, '--to', at('used'), '--force')).code).toBe(0);
    expect(await logIn(at('used'))).toEqual(held);
    const [aside] = readdirSync(at('used')).filter((name) => name.startsWith('before-restore-'));
    expect(await logIn(at('used', aside!))).toEqual(before);
    expect(existsSync(at('used', 'of-a-worker'))).toBe(true);
    expect(existsSync(at('used', 'views.db'))).toBe(false);
  });

  it('leaves the log where it was when it is killed while it is put in its place', async () => {
    expect((await restore('--from', original, '--to', at('killed'))).code).toBe(0);
    writeFileSync(
      at('kill.mjs'),
      `import fs from 'node:fs';
       import { syncBuiltinESMExports } from 'node:module';
       const { rename } = fs.promises;
       fs.promises.rename = async (from, to) => {
         if (!from.includes('.restoring-')) return rename(from, to);
         process.kill(process.pid, 'SIGKILL');
         for (;;);
       };
       syncBuiltinESMExports();`,
    );
    const kill = { NODE_OPTIONS: `--import ${at('kill.mjs')}` };
    const args = ['--from', original, '--to', at('killed'), '--force'];
    expect(await restoreWith(kill, ...args)).toMatchObject({ code: null });
    // A service that found none here would begin another log.
    expect(await logIn(at('killed'))).toEqual(held);
    expect((await restore(...args)).code).toBe(0);
    expect(await logIn(at('killed'))).toEqual(held);
    const left = readdirSync(at('killed')).filter((name) => !name.startsWith('before-restore-'));
    expect(left).toEqual(['log.db']);
  });

  it('leaves nothing behind when it is aborted, nor when its process was killed', async () => {
    const service = await startService({ DATA_DIR: at('small'), BACKUP_DIR: at('aborted') });
    const client = await connect(service.port);
    const files = service.app.get(LogFiles, { strict: false });
    const copy = files.copy.bind(files);
    const copiedOne = new Promise<void>((resolve) => {
      files.copy = async (from, to, options) => {
        await copy(from, to, options);
        resolve();
        await once(options!.signal!, 'abort');
      };
    });
    const { jobId } = await client.admin.backup('one');
    await copiedOne;
    expect(readdirSync(at('aborted', `.partial-${jobId}`))).toEqual(['log.db']);
    await expect(client.admin.backup('one')).rejects.toMatchObject({
      code: 'CONFLICT',
      details: { jobId },
    });
    const job = await client.admin.abortJob(jobId, 'not now');
    expect(job).toMatchObject({ state: 'aborted', error: expect.stringContaining('not now') });
    expect(readdirSync(at('aborted'))).toEqual([]);

    files.copy = copy;
    const another = `.partial-${v7()}`;
    for (const left of [`.partial-${jobId}`, another]) {
      cpSync(original, at('aborted', left), { recursive: true });
    }
    // One that another process takes away just now.
    const vanishing = `.partial-${v7()}`;
    symlinkSync(at('nowhere'), at('aborted', vanishing));
    await backup(client, 'two');
    rmSync(at('aborted', vanishing));
    await expect(client.admin.backup('two')).rejects.toMatchObject({ code: 'CONFLICT' });
    // What nobody here knows may be another service's, which is making it.
    expect(readdirSync(at('aborted')).sort()).toEqual([another, 'two']);
    await client.close();
    await service.close();
  });

  it('of a log in a cluster is refused, with what to do instead', async () => {
    const server = await EventStoreDbServer.start();
    const service = await startService({
      ...settingsFor(server.connectionString, at('cluster')),
      BACKUP_DIR: at('of-a-cluster'),
    });
    const client = await connect(service.port);
    await expect(client.admin.backup()).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringContaining('log:copy'),
    });
    expect(existsSync(at('of-a-cluster'))).toBe(false);
    await client.close();
    await service.close();
    await server.close();
  });

  it('in a thread is ended with it, and tells how far it is', async () => {
    const program = new URL('../dist/backup/backup.thread.js', import.meta.url);
    const work = { from: at('small', 'log.db'), to: at('by-thread.db') };
    const steps: string[] = [];
    const report = ({ step }: { readonly step?: string }) => void steps.push(step ?? '');
    const { log, file } = await copyInThread(program, work, { report });
    expect({ events: log.events, bytes: file.bytes }).toEqual({
      events: (await logIn(at('small'))).length,
      bytes: readFileSync(work.to).length,
    });
    const nowhere = { ...work, from: at('nowhere', 'log.db') };
    await expect(copyInThread(program, nowhere, { report })).rejects.toThrow('cannot copy');
    const abort = new AbortController();
    const copying = copyInThread(program, work, { report, signal: abort.signal });
    abort.abort(new Error('not now'));
    await expect(copying).rejects.toThrow('not now');
    expect(steps.length).toBeGreaterThan(0);
  });

  it('is restored over a log that is damaged', async () => {
    const damaged = at('damaged');
    cpSync(original, damaged, { recursive: true });
    writeFileSync(join(damaged, 'log.db'), 'no database');
    expect((await restore('--from', original, '--to', damaged, '--force')).code).toBe(0);
    expect(await logIn(damaged)).toEqual(held);
  });

  it('of a log whose history is not whole fails, says where, and leaves nothing', async () => {
    const dataDir = at('tampered');
    cpSync(at('small'), dataDir, { recursive: true });
    changeEvent(dataDir);
    const service = await startService({ DATA_DIR: dataDir, BACKUP_DIR: at('tampered-backups') });
    const client = await connect(service.port);
    const job = await backup(client, 'b');
    expect(job).toMatchObject({
      state: 'failed',
      error: expect.stringMatching(/TaskCreated .* revision 0/),
    });
    expect(readdirSync(at('tampered-backups'))).toEqual([]);
    await client.close();
    await service.close();
  });

  it('explains itself, and takes no command line that it does not understand', async () => {
    expect(await restore('--help')).toMatchObject({ code: 0, errors: '' });
    expect(await restore()).toMatchObject({ code: 2, output: '' });
    expect(await restore('--from', original, '--over')).toMatchObject({ code: 2 });
  });
});
