/** Folders and files that workers keep for themselves: nobody may have put a link in their place. */
import { lstat, mkdir } from 'node:fs/promises';
import { PermanentTaskError } from '@taskmanager/client';

/** Makes the folder; a symlink or a file in its place is refused. */
export async function ownFolder(path: string, mode = 0o777): Promise<string> {
  await mkdir(path, { mode }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  if (!(await lstat(path)).isDirectory()) throw inTheWay(path);
  return path;
}

/** SQLite follows links of both kinds: nothing but a file of our own may be there. */
export async function ownFile(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats && !(stats.isFile() && stats.nlink === 1)) throw inTheWay(path);
}

export const inTheWay = (path: string): PermanentTaskError =>
  new PermanentTaskError(
    `${JSON.stringify(path)} is a link or a file and not what workers keep there: nothing was written`,
  );
