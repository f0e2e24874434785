import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Json, PermanentTaskError, TaskStopped } from '@taskmanager/client';
import { FakeRunningTask } from '../../test/fake-running-task.js';
import { manifestHashes, manifestRows } from '../../test/import-manifest.js';
import { sha256sums } from '../../test/sha256sum.js';
import { WorkerRoots } from '../worker-roots.js';
import { type ImportFilesResult, importFiles } from './import-files.js';

const PROCESS = fileURLToPath(new URL('../../test/import-process.mjs', import.meta.url));

let root: string;
let outside: string;
let roots: WorkerRoots;

beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'import-root-')));
  outside = realpathSync(mkdtempSync(join(tmpdir(), 'import-outside-')));
  roots = await WorkerRoots.open([root]);
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  rmSync(outside, { recursive: true, force: true });
});

const taskFor = (sources: readonly string[], further: Readonly<Record<string, Json>> = {}) =>
  new FakeRunningTask('import_files', { sources: [...sources], destination: 'store', ...further });

const run = async (task: FakeRunningTask) =>
  (await importFiles({ roots })(task)) as unknown as ImportFilesResult;

function write(path: string, content: string | Uint8Array = path): string {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** Some of them the same, some empty, in folders. */
function writeMany(count: number): void {
  for (let n = 0; n < count; n++) {
    write(
      `source/${n % 7}/${n % 3}/file ${n}`,
      n % 10 === 0 ? '' : `content ${n % 5 === 0 ? 5 : n}`,
    );
  }
}

/** The names of the objects, after it was seen that each is what its name says. */
function objects(store = join(root, 'store')): string[] {
  const folder = join(store, 'objects');
  return [...sha256sums(folder)].map(([path, hash]) => {
    expect(relative(folder, path)).toBe(join(hash.slice(0, 2), hash.slice(2)));
    return hash;
  });
}

const errorsOf = (result: ImportFilesResult) =>
  Object.fromEntries(result.errors.map(({ path, error }) => [relative(root, path), error]));

describe('an import', () => {
  it('stores each content once under its hash, and says of each file what sha256sum says', async () => {
    writeMany(300);
    const large = Buffer.alloc(3_000_000, 'all kinds of bytes \u0000\u00ff');
    const single = write('one file', large);

    const task = taskFor(['source', 'one file'], { concurrency: 16 });
    const result = await run(task);
    expect(readdirSync(join(root, 'store', 'manifests'))).toEqual([`${task.id}.db`]);

    const said = new Map([...sha256sums(join(root, 'source')), ...sha256sums(single)]);
    expect(manifestHashes(result.manifest)).toEqual(said);
    const distinct = new Set(said.values());
    expect(new Set(objects())).toEqual(distinct);
    expect(result).toEqual({
      destination: join(root, 'store'),
      files: 301,
      bytes: [...said.keys()].reduce((sum, path) => sum + statSync(path).size, 0),
      stored: distinct.size,
      duplicates: 301 - distinct.size,
      errors: [],
      errorCount: 0,
      manifest: join(root, 'store', 'manifests', `${task.id}.db`),
    });
    expect(readdirSync(join(root, 'store', 'drafts'))).toEqual([]);
    expect(task.said.at(-1)).toEqual({
      value: { completedItems: 301, totalItems: 301 },
      message: '301 of 301 files, 3.0 of 3.0 MB',
    });
  });

  it('copies no more files at once than it is told', async () => {
    for (let n = 0; n < 40; n++) write(`source/${n}`, Buffer.alloc(600_000, n % 10));
    let most = 0;
    const task = taskFor(['source'], { concurrency: 3 });
    task.atPausePoint = () => {
      const drafts = join(root, 'store', 'drafts', `${task.id}-1`);
      most = Math.max(most, existsSync(drafts) ? readdirSync(drafts).length : 0);
    };
    expect((await run(task)).files).toBe(40);
    expect(most).toBe(3);
  });

  it('finds in another import what was stored before, and counts it as duplicates', async () => {
    writeMany(30);
    const first = await run(taskFor(['source']));
    const second = await run(taskFor(['source']));
    expect(first.stored).toBeGreaterThan(0);
    expect(second).toMatchObject({ files: 30, stored: 0, duplicates: 30 });
  });

  it('does not believe an object that others put there', async () => {
    write('source/a', 'content');
    await run(taskFor(['source']));
    const [hash] = objects() as [string];
    const object = join(root, 'store', 'objects', hash.slice(0, 2), hash.slice(2));
    rmSync(object);
    writeFileSync(object, 'another');
    expect(await run(taskFor(['source']))).toMatchObject({ files: 1, stored: 0 });
    expect(objects()).toEqual([hash]);
  });

  it('puts an object right that is broken', async () => {
    write('source/a', 'content');
    await run(taskFor(['source']));
    const [hash] = objects() as [string];
    const object = join(root, 'store', 'objects', hash.slice(0, 2), hash.slice(2));
    rmSync(object);
    symlinkSync(write('elsewhere', 'other'), object);
    expect(await run(taskFor(['source']))).toMatchObject({ files: 1, stored: 1 });
    expect(objects()).toEqual([hash]);
  });
});

describe('what cannot be imported', () => {
  it('is told for each file, without stopping the rest, and without waiting for a FIFO', async () => {
    writeMany(20);
    write('source/folder/a');
    execFileSync('mkfifo', [join(root, 'source', 'fifo')]);
    symlinkSync(join(root, 'source', 'folder'), join(root, 'source', 'link'));
    symlinkSync('/etc/passwd', join(root, 'source', 'passwd'));
    writeFileSync(Buffer.concat([Buffer.from(join(root, 'source', 'bad ')), Buffer.of(0xff)]), 'x');
    const result = await run(taskFor(['source', 'no such file']));
    expect(errorsOf(result)).toEqual({
      'no such file': 'there is nothing here (ENOENT)',
      'source/bad \uFFFD': 'its name is no UTF-8 text',
      'source/fifo': 'it is a FIFO and no file',
      'source/link': 'it is a symlink, which is not followed',
      'source/passwd': 'it is a symlink, which is not followed',
    });
    expect(result.files).toBe(21);
    expect(result.errorCount).toBe(5);
    expect(manifestRows(result.manifest).filter(({ error }) => error !== null)).toHaveLength(5);
  });

  it('is a source that is a symlink itself', async () => {
    write('folder/a');
    symlinkSync(join(root, 'folder'), join(root, 'link'));
    const result = await run(taskFor(['link']));
    expect(result).toMatchObject({ files: 0, errorCount: 1 });
    expect(errorsOf(result)).toEqual({ link: 'it is a symlink, which is not followed' });
  });

  it('is a file that vanishes after it was found', async () => {
    writeMany(10);
    const gone = write('source/6/z');
    const task = taskFor(['source'], { concurrency: 1 });
    task.saveCheckpoint = async () => rmSync(gone);
    const result = await run(task);
    expect(errorsOf(result)).toEqual({ 'source/6/z': 'there is nothing here (ENOENT)' });
    expect(result.files).toBe(10);
  });

  it('is a file that a symlink leads to since it was found', async () => {
    write('source/a');
    write('source/folder/passwd');
    writeFileSync(join(outside, 'passwd'), 'secret');
    const task = taskFor(['source'], { concurrency: 1 });
    task.saveCheckpoint = async () => {
      rmSync(join(root, 'source/folder'), { recursive: true });
      symlinkSync(outside, join(root, 'source/folder'));
    };
    const result = await run(task);
    expect(errorsOf(result)).toEqual({
      'source/folder/passwd': 'a folder on its way is a symlink',
    });
    expect(objects()).toHaveLength(1);
  });

  it.each([
    ['grows', (file: string) => appendFileSync(file, 'more')],
    ['shrinks', (file: string) => truncateSync(file, 10)],
    ['is written over', (file: string) => writeFileSync(file, Buffer.alloc(1_000_000, 'other'))],
  ])('is a file that %s while it is read', async (_, change) => {
    const file = write('source/a', Buffer.alloc(1_000_000));
    write('source/b');
    const task = taskFor(['source'], { concurrency: 1 });
    let changed = false;
    task.atPausePoint = () => {
      const drafts = join(root, 'store', 'drafts', `${task.id}-1`);
      if (changed || !existsSync(drafts) || readdirSync(drafts).length === 0) return;
      changed = true;
      change(file);
    };
    const result = await run(task);
    expect(errorsOf(result)).toEqual({ 'source/a': 'it changed while it was read' });
    expect(result).toMatchObject({ files: 1, errorCount: 1 });
    expect(objects()).toHaveLength(1);
  });

  it('is bounded in the result and whole in the manifest', async () => {
    for (let n = 0; n < 250; n++) {
      mkdirSync(join(root, 'source'), { recursive: true });
      symlinkSync('/nowhere', join(root, 'source', `${n} ${'x'.repeat(200)}`));
    }
    const result = await run(taskFor(['source']));
    expect(result.errors.length).toBeLessThanOrEqual(100);
    expect(result.errorCount).toBe(250);
    expect(manifestRows(result.manifest)).toHaveLength(250);
  });
});

describe('an import that is stopped', () => {
  const stopKind = async (task: FakeRunningTask) => {
    const error: unknown = await run(task).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TaskStopped);
    return (error as TaskStopped).kind;
  };

  it('throws away what is in flight when it is paused, and does not read again what is done', async () => {
    writeMany(200);
    const paused = taskFor(['source'], { concurrency: 4 });
    paused.atPausePoint = () => {
      if (paused.said.at(-1)?.message?.startsWith('90 of 200')) paused.pause();
    };
    expect(await stopKind(paused)).toBe('paused');
    const before = manifestHashes(join(root, 'store', 'manifests', `${paused.id}.db`));
    expect(before.size).toBeGreaterThanOrEqual(90);
    expect(before.size).toBeLessThan(100);
    expect(paused.checkpoint).toMatchObject({
      manifest: join(root, 'store', 'manifests', `${paused.id}.db`),
    });
    expect(readdirSync(join(root, 'store', 'drafts'))).toEqual([]);

    // They may not be read again, so they may as well be read from nowhere: a FIFO would be an error.
    const goingOn = paused.again();
    const copied: number[] = [];
    goingOn.atPausePoint = () => copied.push(goingOn.said.length);
    const result = await run(goingOn);
    const firstCount = goingOn.said.find(({ value }) => value !== undefined);
    expect(firstCount?.message).toMatch(new RegExp(`^${before.size} of 200 files`));
    expect(manifestHashes(result.manifest)).toEqual(sha256sums(join(root, 'source')));
    expect(new Set(objects())).toEqual(new Set(sha256sums(join(root, 'source')).values()));
    expect(result).toMatchObject({ files: 200, stored: objects().length });
  });

  it('stops within a large file when it is cancelled, and leaves no part of it', async () => {
    write('source/large', Buffer.alloc(50_000_000));
    const task = taskFor(['source']);
    task.atPausePoint = () => {
      if (/^0 of 1 files, [1-9]/.test(task.said.at(-1)?.message ?? '')) task.stop('cancelled');
    };
    expect(await stopKind(task)).toBe('cancelled');
    expect(objects()).toEqual([]);
    expect(readdirSync(join(root, 'store', 'drafts'))).toEqual([]);
  });

  it('takes up again what changed or was lost in the meantime, and tries again what failed', async () => {
    writeMany(20);
    execFileSync('mkfifo', [join(root, 'source', 'fifo')]);
    const first = taskFor(['source']);
    await run(first);
    write('source/1/1/file 1', 'changed since');
    rmSync(join(root, 'source', 'fifo'));
    write('source/fifo', 'a file now');
    const { hash } = manifestRows(join(root, 'store', 'manifests', `${first.id}.db`)).find(
      ({ path }) => path.endsWith('file 2'),
    )!;
    rmSync(join(root, 'store', 'objects', hash!.slice(0, 2), hash!.slice(2)));
    const result = await run(first.again());
    expect(result).toMatchObject({ files: 21, errorCount: 0 });
    expect(manifestHashes(result.manifest)).toEqual(sha256sums(join(root, 'source')));
    expect(objects()).toEqual(
      expect.arrayContaining([...manifestHashes(result.manifest).values()]),
    );
  });

  it('has the same store as in one go, and the same counts, when its process is killed and another goes on', async () => {
    for (let n = 0; n < 300; n++) {
      write(`source/${n}`, Buffer.alloc(100_000, n % 4 === 0 ? 'same' : `${n}`));
    }
    const task = taskFor(['source'], { concurrency: 4 });
    const { id, input } = task;
    for (const [attempt, killAt] of [60, 150].entries()) {
      const child = spawn(
        process.execPath,
        [PROCESS, root, JSON.stringify({ id, attempt: attempt + 1, input })],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const lines: string[] = [];
      for await (const line of createInterface(child.stdout)) {
        lines.push(line);
        if (line === `done ${killAt}`) child.kill('SIGKILL');
      }
      if (child.signalCode === null && child.exitCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');
      if (attempt > 0) expect(Number(lines[0]?.slice('done '.length))).toBeGreaterThanOrEqual(59);
    }
    const last = task.again().again();
    const result = await run(last);
    expect(Number(last.said.find(({ value }) => value)?.message?.split(' ')[0])).toBeGreaterThan(
      100,
    );

    const inOneGo = await run(taskFor(['source'], { destination: 'other store' }));
    expect(objects().sort()).toEqual(objects(join(root, 'other store')).sort());
    expect(manifestHashes(result.manifest)).toEqual(manifestHashes(inOneGo.manifest));
    const { files, bytes, stored, duplicates } = inOneGo;
    expect(result).toMatchObject({ files, bytes, stored, duplicates, errorCount: 0 });
    expect(readdirSync(join(root, 'store', 'drafts'))).toEqual([]);
  });
});

describe('a destination', () => {
  const refusal = async (task: FakeRunningTask) => {
    const error: unknown = await run(task).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PermanentTaskError);
    return (error as PermanentTaskError).message;
  };

  it.each(['.', 'objects', 'drafts', 'manifests'])(
    'is not written through a symlink in the place of %s',
    async (place) => {
      write('source/a');
      mkdirSync(join(root, 'real'));
      const link = place === '.' ? join(root, 'store') : join(root, 'store', place);
      mkdirSync(join(link, '..'), { recursive: true });
      symlinkSync(outside, link);
      expect(await refusal(taskFor(['source']))).toMatch(/must lie below|is a link/);
      expect(readdirSync(outside)).toEqual([]);
    },
  );

  it('is not written through a symlink in the place of a folder of objects', async () => {
    write('source/a', 'content');
    const [hash] = [...sha256sums(join(root, 'source')).values()] as [string];
    mkdirSync(join(root, 'store', 'objects'), { recursive: true });
    symlinkSync(outside, join(root, 'store', 'objects', hash.slice(0, 2)));
    expect(await refusal(taskFor(['source']))).toMatch(/is a link/);
    expect(readdirSync(outside)).toEqual([]);
  });

  it('is not written through a link to a place that is not there yet', async () => {
    write('source/a');
    symlinkSync(join(outside, 'made'), join(root, 'store'));
    expect(await refusal(taskFor(['source']))).toMatch(/must lie below|is a link/);
    expect(readdirSync(outside)).toEqual([]);
  });

  it('is not written through a link in the place of the manifest, of either kind', async () => {
    write('source/a');
    const task = taskFor(['source']);
    const victim = join(outside, 'victim.db');
    writeFileSync(victim, '');
    const manifests = join(root, 'store', 'manifests');
    mkdirSync(manifests, { recursive: true });
    symlinkSync(victim, join(manifests, `${task.id}.db`));
    expect(await refusal(task)).toMatch(/is a link/);
    rmSync(join(manifests, `${task.id}.db`));
    linkSync(victim, join(manifests, `${task.id}.db`));
    expect(await refusal(task)).toMatch(/is a link/);
    expect(statSync(victim).size).toBe(0);
  });

  it('is left out when a source contains it, and refused as a source itself', async () => {
    writeMany(10);
    const inside = { destination: 'source/store' };
    const first = await run(taskFor(['source'], inside));
    const second = await run(taskFor(['source'], inside));
    expect(first.files).toBe(10);
    expect(second).toMatchObject({ files: 10, stored: 0 });
    expect(await refusal(taskFor(['source/store/objects'], inside))).toMatch(
      /lies in the destination/,
    );
    expect(await refusal(taskFor(['source/store'], inside))).toMatch(/lies in the destination/);
  });

  it('lies below the roots, and so do the sources', async () => {
    write('source/a');
    expect(await refusal(taskFor(['source'], { destination: outside }))).toMatch(/must lie below/);
    expect(await refusal(taskFor(['source'], { destination: '../x' }))).toMatch(/must lie below/);
    expect(await refusal(taskFor(['source', '/etc']))).toMatch(/must lie below/);
    symlinkSync('/etc', join(root, 'etc'));
    expect(await refusal(taskFor(['etc/passwd']))).toMatch(/must lie below/);
  });

  it('without room ends the import with words that say so, and it can be tried again', async () => {
    write('source/a', Buffer.alloc(3_000_000));
    const task = taskFor(['source']);
    const child = spawn(
      'prlimit',
      [
        '--fsize=1000000',
        process.execPath,
        PROCESS,
        root,
        JSON.stringify({ id: task.id, attempt: 1, input: task.input }),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let told = '';
    for await (const line of createInterface(child.stderr)) told += line;
    expect(told).toMatch(
      /DestinationError: \S+store cannot be written: there is no room left \(EFBIG\)/,
    );
    expect(objects()).toEqual([]);
    expect(await run(task.again())).toMatchObject({ files: 1, errorCount: 0 });
  });
});

it.each([
  [{ destination: 'store' }, /sources/],
  [{ sources: [], destination: 'store' }, /sources/],
  [{ sources: ['a', 1], destination: 'store' }, /sources/],
  [{ sources: ['a'] }, /destination/],
  [{ sources: ['a'], destination: 'store', concurrency: 65 }, /concurrency/],
  [{ sources: ['a'], destination: 'store', concurrency: 1.5 }, /concurrency/],
  [{ sources: ['a'], destination: 'store', other: 1 }, /other/],
])('refuses the input %j for good', async (input, words) => {
  const task = new FakeRunningTask('import_files', input);
  await expect(run(task)).rejects.toThrow(PermanentTaskError);
  await expect(run(task)).rejects.toThrow(words);
});
