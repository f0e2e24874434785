/** Takes away the indexes of directories that are no more. */
import { lstat, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { indexedDirectory, indexFileOf } from '@taskmanager/search';
import { FileLock } from '../file-lock.js';
import type { WorkerRoots } from '../worker-roots.js';

/** An index is no more than what its directory says: should that come back, it is made again. */
export async function removeIndexes({ first }: WorkerRoots): Promise<void> {
  const folder = dirname(indexFileOf(first, ''));
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => each.endsWith('.db'))) {
    const file = join(folder, name);
    const directory = indexedDirectory(file);
    if (directory === undefined || !(await isGone(directory))) continue;
    const lock = FileLock.take(file);
    if (!lock) continue;
    try {
      // Somebody may have made and indexed it meanwhile.
      if (!(await isGone(directory))) continue;
      for (const each of [file, `${file}-wal`, `${file}-shm`]) await rm(each, { force: true });
    } finally {
      lock.end();
    }
  }
}

async function isGone(directory: string): Promise<boolean> {
  const error: unknown = await lstat(directory).then(
    () => undefined,
    (each: unknown) => each,
  );
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
