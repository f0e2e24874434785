/**
 * Folders that grow until a task is done, and are of no use when its worker is killed: another worker has
 * to find them, wherever they are. Each has a note in `<first root>/.taskmanager/unfinished`, whose lock
 * its worker holds for as long as it lives; what has a note without a holder is left over, whatever the
 * clock says and whatever has become of the task.
 */
import { lstat, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FileLock } from './file-lock.js';
import { ownFolder } from './own-files.js';
import type { WorkerRoots } from './worker-roots.js';

/** A note that this process holds. */
export interface Unfinished {
  /** The folder has gone, or is something else now; the note stays if neither is so. */
  end(): Promise<void>;
}

/**
 * Before the folder is made.
 * @param folder a real path; no two have the same last part
 */
export async function noteUnfinished(roots: WorkerRoots, folder: string): Promise<Unfinished> {
  const notes = notesOf(roots);
  for (const each of [dirname(notes), notes]) await ownFolder(each, 0o700);
  const note = join(notes, basename(folder));
  const lock = FileLock.take(note);
  if (!lock) throw new Error(`Another worker is at work in ${folder}.`);
  await writeFile(note, folder);
  return {
    end: async () => {
      const isThere = await lstat(folder).catch(() => undefined);
      // In this order: a note without a lock is cleared away by whoever comes next.
      lock.end();
      if (!isThere) await rm(note, { force: true });
    },
  };
}

/** Removes what workers left that are dead. What cannot be removed now keeps its note for the next time. */
export async function removeUnfinished(roots: WorkerRoots): Promise<void> {
  const notes = notesOf(roots);
  const names = await readdir(notes).catch(() => []);
  for (const name of names.filter((each) => !each.endsWith('.lock'))) {
    const note = join(notes, name);
    const lock = FileLock.take(note);
    if (!lock) continue;
    try {
      const folder = await readFile(note, 'utf8').catch(() => '');
      if (await removed(roots, folder, name)) await rm(note, { force: true });
    } finally {
      lock.end();
    }
  }
}

/** A git whose worker was killed may still write there until it finds nobody listening. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

async function removed(roots: WorkerRoots, folder: string, name: string): Promise<boolean> {
  // Its worker died before it had written where, and so before it made anything.
  if (folder === '') return true;
  try {
    // A link may stand on the way by now, and the roots may be others.
    const real = await roots.insideToWrite(folder, 'folder');
    if (real !== folder || basename(folder) !== name) return false;
    await removeFolder(folder);
    return true;
  } catch {
    return false;
  }
}

const notesOf = (roots: WorkerRoots): string => join(roots.first, '.taskmanager', 'unfinished');
