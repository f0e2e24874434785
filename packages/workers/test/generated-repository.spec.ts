import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRepository } from './generated-repository.js';
import { execGit } from './git.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'generated-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('tracks as many files as asked for, checked out and clean', async () => {
  const { paths } = await makeRepository(folder, { files: 120 });
  const tracked = (await execGit(folder, ['ls-files', '-z'])).split('\0').filter(Boolean);
  expect(tracked.sort()).toEqual([...paths].sort());
  expect(new Set(paths).size).toBe(120);
  expect(await execGit(folder, ['status', '--porcelain'])).toBe('');
});

it('makes the same commit for the same seed and another for another', async () => {
  const commits: string[] = [];
  for (const [name, seed] of [
    ['a', 3],
    ['b', 3],
    ['c', 4],
  ] as const) {
    commits.push((await makeRepository(join(folder, name), { files: 40, seed })).commit);
  }
  expect(commits[0]).toBe(commits[1]);
  expect(commits[0]).not.toBe(commits[2]);
});
