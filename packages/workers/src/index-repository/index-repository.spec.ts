import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Sqlite from '@taskmanager/sqlite-driver';
import { FakeRunningTask } from '../../test/fake-running-task.js';
import { makeRepository } from '../../test/generated-repository.js';
import { execGit } from '../../test/git.js';
import { indexContent } from '../../test/index-content.js';
import { removeIndexes } from './remove-indexes.js';
import { FileLock } from '../file-lock.js';
import { WorkerRoots } from '../worker-roots.js';
import { indexRepository, type IndexRepositoryResult } from './index-repository.js';

const PROCESS = fileURLToPath(new URL('../../test/index-process.mjs', import.meta.url));

let root: string;
let outside: string;
let repository: string;
let roots: WorkerRoots;

beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'index-root-')));
  outside = realpathSync(mkdtempSync(join(tmpdir(), 'index-outside-')));
  repository = join(root, 'repository');
  roots = await WorkerRoots.open([root]);
});

afterEach(() => {
  for (const folder of [root, outside]) rmSync(folder, { recursive: true, force: true });
});

const taskFor = (directory = 'repository') =>
  new FakeRunningTask('index_repository', { directory });

const run = async (task = taskFor()) =>
  (await indexRepository({ roots })(task)) as unknown as IndexRepositoryResult;

/** A repository of these files, with all of them added. */
async function repositoryOf(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  await execGit('.', ['init', '--quiet', repository]);
  for (const [path, content] of Object.entries(files)) write(path, content);
  await execGit(repository, ['add', '--all']);
}

function write(path: string, content: string | Buffer): void {
  mkdirSync(join(repository, path, '..'), { recursive: true });
  writeFileSync(join(repository, path), content);
}

const pathsOf = (index: string): string[] => indexContent(index).files.map(({ path }) => path);

describe('index_repository', () => {
  it('counts what git tracks, in files, lines and bytes', async () => {
    const { commit, paths } = await makeRepository(repository, { files: 60 });
    write('untracked.js', 'function untracked() {}\n');
    const result = await run();
    const text = paths.filter((path) => !/\.(png|dat|bin)$/.test(path));
    const contents = text.map((path) => readFileSync(join(repository, path), 'latin1'));
    expect(result).toMatchObject({
      directory: repository,
      commit,
      files: paths.length,
      binary: paths.length - text.length,
      large: 2,
      lines: contents.join('').split('\n').length - 1,
      changed: paths.length,
      removed: 0,
      skipped: { symlinks: 0, submodules: 0, missing: 0, unreadable: 0, unnamed: 0 },
    });
    const listed = (await execGit(repository, ['ls-files', '-z'])).split('\0').filter(Boolean);
    expect(pathsOf(result.index).sort()).toEqual(listed.sort());
    const sizes = await execGit(repository, [
      'ls-tree',
      '-r',
      '-z',
      '--format=%(objectsize)',
      'HEAD',
    ]);
    expect(result.bytes).toBe(sizes.split('\0').reduce((sum, size) => sum + Number(size), 0));
  });

  it('does only what changed, and takes out what is gone', async () => {
    await repositoryOf({
      'kept.py': 'def kept():\n    pass\n',
      'changed.py': 'def before():\n    pass\n',
      'renamed.py': 'def moved():\n    pass\n',
      'deleted.py': 'def deleted():\n    pass\n',
      'untracked-later.py': 'def untracked():\n    pass\n',
    });
    expect(await run()).toMatchObject({ files: 5, changed: 5, removed: 0, symbols: 5 });
    expect(await run()).toMatchObject({ files: 5, changed: 0, removed: 0, symbols: 5 });
    write('changed.py', 'def after():\n    pass\n');
    renameSync(join(repository, 'renamed.py'), join(repository, 'new-name.py'));
    rmSync(join(repository, 'deleted.py'));
    await execGit(repository, ['rm', '--quiet', '--cached', 'untracked-later.py']);
    await execGit(repository, ['add', 'new-name.py']);
    const again = await run();
    expect(again).toMatchObject({ files: 3, changed: 2, removed: 3, symbols: 3 });
    // The rows of a first index of the same directory.
    const rows = indexContent(again.index);
    rmSync(join(root, '.taskmanager'), { recursive: true });
    const fresh = await run();
    expect(fresh).toMatchObject({ files: 3, changed: 3, removed: 0 });
    expect(indexContent(fresh.index)).toEqual(rows);
  });

  it('stops at a pause, and goes on from there to the index of one go', async () => {
    await makeRepository(repository, { files: 320 });
    const task = taskFor();
    task.atPausePoint = () => {
      if (task.pausePoints === 1) task.pause();
    };
    await expect(run(task)).rejects.toMatchObject({ kind: 'paused' });
    const next = task.again();
    next.atPausePoint = () => undefined;
    expect(next.checkpoint).toMatchObject({ totalItems: 320 });
    const resumed = await run(next);
    // Counted over both runs: the second did what the first had not.
    expect(resumed).toMatchObject({ files: 320, changed: 320 });
    const rows = indexContent(resumed.index);
    rmSync(join(root, '.taskmanager'), { recursive: true });
    expect(indexContent((await run()).index)).toEqual(rows);
  });

  it('goes on after a kill -9 to the index of one go', async () => {
    await makeRepository(repository, { files: 320 });
    const task = taskFor();
    const child = spawn(process.execPath, [PROCESS, root, 'repository', task.id], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface(child.stdout)) {
      const { completedItems } = JSON.parse(line) as { completedItems?: number };
      if (completedItems === undefined || completedItems > 20) child.kill('SIGKILL');
    }
    if (child.signalCode === null && child.exitCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    const resumed = await run(task.again());
    expect(resumed).toMatchObject({ files: 320, changed: 320 });
    const rows = indexContent(resumed.index);
    rmSync(join(root, '.taskmanager'), { recursive: true });
    expect(indexContent((await run()).index)).toEqual(rows);
  });

  it('leaves what was there when it is cancelled', async () => {
    await repositoryOf({ 'a.txt': 'alpha\n', 'b.txt': 'beta\n' });
    const { index } = await run();
    const rows = indexContent(index);
    write('a.txt', 'changed\n');
    const task = taskFor();
    task.stop('cancelled');
    await expect(run(task)).rejects.toMatchObject({ kind: 'cancelled' });
    expect(indexContent(index)).toEqual(rows);
  });

  it('waits for another task that indexes the same directory', async () => {
    await repositoryOf({ 'a.txt': 'alpha\n' });
    const { index } = await run();
    const lock = FileLock.take(index);
    expect(FileLock.take(index)).toBeUndefined();
    const task = taskFor();
    const result = run(task);
    await task.until(({ message }) => message?.startsWith('Waiting') === true);
    lock?.release();
    expect(await result).toMatchObject({ files: 1, changed: 0 });
  });

  it('makes an index anew that is broken or of another version', async () => {
    await repositoryOf({ 'a.txt': 'alpha\n' });
    const { index } = await run();
    writeFileSync(index, 'no database at all, but long enough to be taken for one'.repeat(100));
    expect(await run()).toMatchObject({ files: 1, changed: 1 });
    const database = new Sqlite(index);
    database.pragma('user_version = 999');
    database.close();
    expect(await run()).toMatchObject({ files: 1, changed: 1 });
  });

  it.each([
    [{ directory: '' }, /directory must be a path/],
    [{ directory: 'repository', other: 1 }, /no field "other"/],
    [{ directory: '..' }, /below one of the folders/],
    [{ directory: '.' }, /not a git repository/],
    [{ directory: 'nowhere' }, /must be a folder that is there/],
  ])('refuses %j for good', async (input, message) => {
    const task = new FakeRunningTask('index_repository', input);
    await expect(run(task)).rejects.toMatchObject({
      name: 'PermanentTaskError',
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('What workers keep', () => {
  it('is not looked for where a link leads', async () => {
    await repositoryOf({ 'a.txt': 'text' });
    const victim = join(outside, 'victim.db');
    const other = new Sqlite(victim);
    other.exec('CREATE TABLE files (precious)');
    other.close();
    const before = readFileSync(victim);

    symlinkSync(outside, join(root, '.taskmanager'));
    await expect(run()).rejects.toThrow(/is a link/);
    rmSync(join(root, '.taskmanager'));
    const { index } = await run();
    for (const suffix of ['', '.lock']) {
      rmSync(index + suffix, { force: true });
      symlinkSync(victim, index + suffix);
      await expect(run()).rejects.toThrow(/is a link/);
      rmSync(index + suffix);
    }
    expect(readFileSync(victim)).toEqual(before);
    expect(readdirSync(outside)).toEqual(['victim.db']);
  });
});

describe('index_repository on what means harm', () => {
  it('follows no link out of the directory, whatever git lists', async () => {
    writeFileSync(join(outside, 'secret.txt'), 'secret\n');
    await repositoryOf({ 'folder/secret.txt': 'innocent\n', 'file.txt': 'innocent\n' });
    symlinkSync(join(outside, 'secret.txt'), join(repository, 'link.txt'));
    await execGit(repository, ['add', '--all']);
    rmSync(join(repository, 'folder'), { recursive: true });
    symlinkSync(outside, join(repository, 'folder'));
    rmSync(join(repository, 'file.txt'));
    symlinkSync(join(outside, 'secret.txt'), join(repository, 'file.txt'));
    const result = await run();
    expect(result).toMatchObject({ files: 0, skipped: { symlinks: 3 } });
    expect(JSON.stringify(indexContent(result.index))).not.toContain('secret');
  });

  it('runs nothing that the repository names', async () => {
    await repositoryOf({ 'a.txt': 'alpha\n', '.gitattributes': '* filter=harm diff=harm\n' });
    const harm = join(outside, 'harm');
    const program = join(outside, 'program');
    writeFileSync(program, `#!/bin/sh\ntouch ${harm}\n`, { mode: 0o755 });
    for (const name of [
      'core.fsmonitor',
      'filter.harm.clean',
      'filter.harm.smudge',
      'diff.harm.textconv',
      'core.pager',
      'core.sshCommand',
    ])
      await execGit(repository, ['config', name, program]);
    for (const hook of ['post-index-change', 'fsmonitor-watchman', 'pre-auto-gc'])
      writeFileSync(join(repository, '.git/hooks', hook), readFileSync(program), { mode: 0o755 });
    appendFileSync(join(repository, 'a.txt'), 'more\n');
    expect(await run()).toMatchObject({ files: 2 });
    expect(existsSync(harm)).toBe(false);
    // The trap is one: git itself falls into it.
    await execGit(repository, ['status']);
    expect(existsSync(harm)).toBe(true);
  });

  it('reads code that is nested deeply, broken or no text, and goes on', async () => {
    await repositoryOf({
      'nested.js': '`${'.repeat(200_000),
      'brackets.py': '('.repeat(300_000),
      'noise.cpp': Buffer.from(Array.from({ length: 50_000 }, (_, at) => 1 + ((at * 7919) % 255))),
      'bad-utf8.py': Buffer.from(
        'def before():\n  x = "\xff\xfe"\ndef after():\n  pass\n',
        'latin1',
      ),
      'zeros.py': Buffer.alloc(100),
    });
    await execGit(repository, [
      'update-index',
      '--add',
      '--cacheinfo',
      `160000,${'1'.repeat(40)},sub`,
    ]);
    const result = await run();
    expect(result).toMatchObject({ files: 5, binary: 1, skipped: { submodules: 1 } });
    const { symbols } = indexContent(result.index);
    expect(symbols.filter(({ path }) => path === 'bad-utf8.py').map(({ name }) => name)).toEqual([
      'before',
      'after',
    ]);
  });
});

describe('The index of a directory that is no more', () => {
  it('is removed, unless somebody is at it, and no other', async () => {
    await repositoryOf({ 'kept.py': 'def kept():\n    pass\n' });
    const kept = await run();
    const gone = join(root, 'gone');
    renameSync(repository, gone);
    const { index } = await run(taskFor('gone'));
    renameSync(gone, repository);

    // Another worker takes this one away just now.
    const vanishing = join(dirname(index), '0.db');
    symlinkSync(join(root, 'nowhere'), vanishing);
    const lock = FileLock.take(index);
    await removeIndexes(roots);
    expect(existsSync(index)).toBe(true);
    rmSync(vanishing);
    lock?.release();
    await removeIndexes(roots);
    const left = readdirSync(dirname(index)).filter(
      (name) => !name.startsWith(basename(kept.index)),
    );
    expect(left).toEqual([]);
    expect(pathsOf(kept.index)).toEqual(['kept.py']);
  });
});
