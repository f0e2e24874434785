import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import { Terminal } from '../packages/cli/test/terminal.js';
import { type Service, startService } from './service.js';

/** What an admin does at night, with the built command line and the whole service. */

const LAUNCHER = fileURLToPath(new URL('../packages/cli/bin/taskmanager.mjs', import.meta.url));

let service: Service;
let client: TaskManager;
let folder: string;
let task: string;
let terminal: Terminal | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'taskmanager-cli-'));
  service = await startService({ BACKUP_DIR: join(folder, 'backups') });
  client = await TaskManager.connect({ transport: 'tcp', port: service.port, actor: 'ann' });
  const ids = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      client.createTask(`Publish ${n}`, 'publish', 'shop', { n }),
    ),
  );
  await Promise.all(ids.map((id) => client.startTask(id)));
  task = ids[0]!;
  await client.updateTaskProgress(task, 4, 10, { message: 'uploading' });
  await client.pauseTask(task, { reason: 'disk full' });
  await client.retryTask(task).catch(() => undefined);
});
afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});
afterAll(async () => {
  await client.close();
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

const place = (port = service.port) => ({ TASKMANAGER_SERVER: `tcp://127.0.0.1:${port}` });

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const at = (port: number, ...args: readonly string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], ...place(port) };
    execFile(process.execPath, [LAUNCHER, ...args], { env }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
const taskmanager = (...args: readonly string[]) => at(service.port, ...args);

function open(...args: readonly string[]): Terminal {
  terminal = new Terminal(args, place());
  return terminal;
}

describe('Views, from the command line', () => {
  it('are rebuilt in a terminal, verified, and their old build is dropped after a question', async () => {
    const rebuilt = open('projection', 'rebuild', 'tasks');
    expect(await rebuilt.exit).toBe(0);
    expect(rebuilt.text()).toMatch(
      /Build \d+ serves[^]*✓ tasks agrees with the log: 200 rows compared/,
    );
    await rebuilt.close();
    expect(await taskmanager('projection', 'verify', 'tasks')).toMatchObject({ code: 0 });
    expect(await taskmanager('projection', 'drop', 'tasks')).toMatchObject({ code: 2, out: '' });
    const dropped = open('projection', 'drop', 'tasks');
    await dropped.until(/They cannot be had back/);
    dropped.type('y');
    expect(await dropped.exit).toBe(0);
    expect(dropped.text()).toMatch(/Dropped: \d+\./);
  });

  it('and policies are tried without any effect', async () => {
    expect(await taskmanager('projection', 'dry-run', 'tasks')).toMatchObject({ code: 0 });
    expect(await taskmanager('policy', 'dry-run', '--max-retries', '0')).toMatchObject({ code: 0 });
  });
});

describe('The audit, from the command line', () => {
  it('tells who did what, and what was refused', async () => {
    const { out } = await taskmanager('audit', 'query', '--by', 'ann', '--task', task);
    expect(out).toContain('disk full');
    const refused = await taskmanager('audit', 'query', '--refused', '--json');
    expect(JSON.parse(refused.out)).toMatchObject({
      events: [{ taskId: task, refused: { command: 'retry_task', code: 'INVALID_TRANSITION' } }],
    });
  });

  it('is exported whole', async () => {
    const { events } = JSON.parse((await taskmanager('log', 'stats', '--json')).out) as {
      events: number;
    };
    const file = join(folder, 'audit.ndjson');
    expect(await taskmanager('audit', 'export', '--out', file)).toMatchObject({ code: 0 });
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(events);
    const { out } = await taskmanager('audit', 'export', '--format', 'csv', '--refused');
    expect(out.trimEnd().split('\n')).toHaveLength(2);
  });

  it('is sealed, and verified with the seal', async () => {
    const seal = join(folder, 'seal.json');
    expect(await taskmanager('audit', 'seal', '--out', seal)).toMatchObject({ code: 0 });
    expect(await taskmanager('audit', 'verify', '--seal', seal)).toMatchObject({ code: 0 });
    expect(await taskmanager('audit', 'verify', '--task', task)).toMatchObject({ code: 0 });
    const other = { ...(JSON.parse(readFileSync(seal, 'utf8')) as object), root: '0'.repeat(64) };
    writeFileSync(seal, JSON.stringify(other));
    expect(await taskmanager('audit', 'verify', '--seal', seal)).toMatchObject({ code: 3 });
  });
});

describe('One task, from the command line', () => {
  it('is shown as it was, and what changed since', async () => {
    expect((await taskmanager('task', 'at', task, '1')).out).toContain('running, 0 %');
    const { out } = await taskmanager('task', 'diff', task, '1');
    expect(out).toMatch(/\/status\n- "running"\n\+ "paused"/);
  });

  it('moves to another service, once, and not when its file was altered', async () => {
    const file = join(folder, 'task.ndjson');
    const altered = join(folder, 'altered.ndjson');
    expect(await taskmanager('task', 'export', task, '--out', file)).toMatchObject({ code: 0 });
    writeFileSync(altered, readFileSync(file, 'utf8').replace('disk full', 'disk fine'));
    const elsewhere = await startService();
    try {
      const there = (...args: readonly string[]) => at(elsewhere.port, ...args);
      expect(await there('task', 'import', file)).toMatchObject({ code: 2 });
      expect((await there('task', 'import', altered, '--yes')).code).not.toBe(0);
      expect((await there('task', 'import', file, '-y')).out).toContain('It is here now');
      expect((await there('task', 'import', file, '-y')).out).toContain('It was here already');
      expect((await there('task', 'get', task)).out).toContain('read-only');
    } finally {
      await elsewhere.close();
    }
  });
});

describe('A backup, from the command line', () => {
  it('is made and verified while the service runs', async () => {
    const { code, out } = await taskmanager('backup', 'monday');
    expect(code).toBe(0);
    expect(out).toContain('monday');
  });
});
