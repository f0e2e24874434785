import {
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { noteUnfinished, removeUnfinished } from './unfinished.js';
import { WorkerRoots } from './worker-roots.js';

let folder: string;
let root: string;
let roots: WorkerRoots;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'unfinished-')));
  root = join(folder, 'root');
  roots = await WorkerRoots.open([root]);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const notes = () => readdir(join(root, '.taskmanager/unfinished'));
const made = async (...parts: string[]) => {
  const path = join(root, ...parts);
  await mkdir(join(path, 'something'), { recursive: true });
  return path;
};
/** As a worker leaves it that is killed: with a note that nobody holds. */
const leftover = async (path: string) => {
  await (await noteUnfinished(roots, join(root, 'never-made'))).end();
  await writeFile(join(root, '.taskmanager/unfinished', basename(path)), path);
};

it('leaves alone what somebody is at work on, and forgets what has ended', async () => {
  const path = await made('a', 'clone-1');
  const note = await noteUnfinished(roots, path);
  await removeUnfinished(roots);
  expect(await readdir(join(root, 'a'))).toEqual(['clone-1']);
  await expect(noteUnfinished(roots, path)).rejects.toThrow(/Another worker is at work/);
  await rename(path, join(root, 'done'));
  await note.end();
  expect(await notes()).toEqual([]);
});

it('removes what a dead worker left, wherever that is', async () => {
  await leftover(await made('a', 'b', 'clone-1'));
  await leftover(join(root, 'gone', 'clone-2'));
  await removeUnfinished(roots);
  expect(await readdir(join(root, 'a', 'b'))).toEqual([]);
  expect(await notes()).toEqual([]);
});

it('keeps the note of a folder that could not be removed by the one who made it', async () => {
  const path = await made('clone-1');
  await (await noteUnfinished(roots, path)).end();
  await removeUnfinished(roots);
  expect((await readdir(root)).sort()).toEqual(['.taskmanager']);
});

it('goes nowhere that a link leads to, nor out of the roots', async () => {
  const outside = join(folder, 'outside');
  await mkdir(join(outside, 'clone-1', 'precious'), { recursive: true });
  await symlink(outside, join(root, 'a'));
  await leftover(join(root, 'a', 'clone-1'));
  await leftover(join(outside, 'clone-1'));
  await removeUnfinished(roots);
  expect(await readdir(join(outside, 'clone-1'))).toEqual(['precious']);
});
