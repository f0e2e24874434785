import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PermanentTaskError } from '@taskmanager/client';
import { WorkerRoots } from './worker-roots.js';

let folder: string;
let root: string;
let outside: string;
let roots: WorkerRoots;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'roots-')));
  root = join(folder, 'root');
  outside = join(folder, 'root-outside');
  await mkdir(outside);
  roots = await WorkerRoots.open([root, join(folder, 'second')]);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const refused = (path: string) =>
  expect(roots.inside(path, 'directory')).rejects.toMatchObject({
    name: PermanentTaskError.name,
    message: expect.stringContaining('directory must lie below one of the folders of WORKER_ROOTS'),
  });

describe('A path of a task', () => {
  it('is relative to the first root, or absolute below any of them, and need not exist', async () => {
    expect(roots.all).toEqual([root, join(folder, 'second')]);
    expect(await roots.inside('a/b', 'directory')).toBe(join(root, 'a/b'));
    expect(await roots.inside(join(folder, 'second/c'), 'directory')).toBe(
      join(folder, 'second/c'),
    );
    expect(await roots.inside('.', 'directory')).toBe(root);
  });

  it.each(['..', '../root-outside', 'a/../../root-outside/x', '/etc/passwd', '/'])(
    'is refused outside: %s',
    (path) => refused(path),
  );

  it('is refused where a link leads out, in its end or on the way', async () => {
    await symlink(outside, join(root, 'link'));
    await refused('link');
    await refused('link/new');
  });

  it('is refused where a link leads out to what does not exist yet', async () => {
    await symlink(join(outside, 'new'), join(root, 'dangling'));
    await symlink('../root-outside/new', join(root, 'relative'));
    await symlink('dangling', join(root, 'twice'));
    for (const path of ['dangling', 'dangling/x', 'relative', 'twice', 'twice/x/y'])
      await refused(path);
  });

  it('may be a link that stays inside, also to what does not exist yet', async () => {
    await symlink('made/later', join(root, 'dangling'));
    expect(await roots.inside('dangling/x', 'directory')).toBe(join(root, 'made/later/x'));
  });

  it('ends at links that go in circles, at files that are no folders, at NUL', async () => {
    await symlink('b', join(root, 'a'));
    await symlink('a', join(root, 'b'));
    await writeFile(join(root, 'file'), '');
    for (const path of ['a', 'a/x', 'file/x', 'x\0y', 'x'.repeat(5_000)])
      await expect(roots.inside(path, 'directory')).rejects.toThrow(PermanentTaskError);
  });
});

describe('A path to write', () => {
  it('is no root and in no folder that is git’s own or ours', async () => {
    await symlink('x/.git', join(root, 'link'));
    for (const path of [
      '.',
      join(folder, 'second'),
      '.git',
      'x/.git/hooks',
      'x/.GIT',
      'link/hooks',
    ])
      await expect(roots.insideToWrite(path, 'directory')).rejects.toThrow(PermanentTaskError);
    await expect(roots.insideToWrite('.taskmanager/indexes', 'directory')).rejects.toThrow(
      'must not lie in a folder .taskmanager',
    );
    expect(await roots.insideToWrite('x/.github', 'directory')).toBe(join(root, 'x/.github'));
  });

  it('is no root that lies below another', async () => {
    const nested = await WorkerRoots.open([root, join(root, 'inner')]);
    await expect(nested.insideToWrite('inner', 'directory')).rejects.toThrow(
      /not that folder itself/,
    );
    expect(await nested.insideToWrite('inner/x', 'directory')).toBe(join(root, 'inner/x'));
  });
});
