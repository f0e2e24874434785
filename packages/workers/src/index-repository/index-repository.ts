/** The task type `index_repository`: makes what git tracks in a directory searchable. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { PermanentTaskError, type RunningTask, type TaskHandler } from '@taskmanager/client';
import { INDEX_REPOSITORY_RULES, type IndexRepositoryInput } from '@taskmanager/protocol';
import { indexFileOf, type IndexSummary, IndexWriter } from '@taskmanager/search';
import { FileLock } from '../file-lock.js';
import { ownFile, ownFolder } from '../own-files.js';
import { checkedInput } from '../work-input.js';
import type { WorkerContext } from '../worker-context.js';
import type { Skipped } from './index-run.js';
import { trackedFiles } from './tracked-files.js';

const LOCK_LOOK_MS = 500;
const LOCK_LIMIT_MS = 10 * 60_000;

/** What the task results in. */
export interface IndexRepositoryResult extends IndexSummary {
  readonly directory: string;
  readonly commit?: string;
  /** Entries of git's list that are not in the index. */
  readonly skipped: Skipped;
  /** The index file. */
  readonly index: string;
}

export function indexRepository({ roots }: Pick<WorkerContext, 'roots'>): TaskHandler {
  return async (task) => {
    const input = checkedInput<IndexRepositoryInput>(task, INDEX_REPOSITORY_RULES);
    const directory = await roots.inside(input.directory, 'directory');
    if (!(await isFolder(directory)))
      throw new PermanentTaskError(`directory must be a folder that is there: ${directory} is not`);
    const file = indexFileOf(roots.first, directory);
    for (const folder of [dirname(dirname(file)), dirname(file)]) await ownFolder(folder, 0o700);
    for (const suffix of ['', '-wal', '-shm', '-journal', '.lock', '.lock-journal'])
      await ownFile(file + suffix);
    const lock = await turn(task, file);
    try {
      return { ...(await index(task, directory, file)) };
    } finally {
      lock.release();
    }
  };
}

/** Git started in what is none says only that git itself is not there. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Waits until nobody else indexes the directory. */
async function turn(task: RunningTask, file: string): Promise<FileLock> {
  const limit = Date.now() + LOCK_LIMIT_MS;
  for (;;) {
    const lock = FileLock.take(file);
    if (lock) return lock;
    if (Date.now() > limit)
      throw new Error('another task has been indexing the directory for long');
    task.progress(undefined, 'Waiting for another task that indexes the directory');
    await task.pausePoint();
    await wait(LOCK_LOOK_MS, undefined, { signal: task.signal });
  }
}

async function index(
  task: RunningTask,
  directory: string,
  file: string,
): Promise<IndexRepositoryResult> {
  const tracked = await trackedFiles(directory, task.signal);
  // The grammars and the list of languages are large: they are loaded by the first task.
  const { IndexRun } = await import('./index-run.js');
  const writer = IndexWriter.open(file, directory, task.id);
  try {
    const run = new IndexRun(task, directory, writer);
    const skipped = await run.over(tracked);
    writer.end(tracked.commit, Date.now());
    const { commit } = tracked;
    const result = { directory, ...(commit && { commit }), ...writer.summary() };
    return { ...result, skipped, index: file };
  } finally {
    writer.close();
  }
}
