/** The task type `import_files`: copies files and folders into a store that is addressed by content. */
import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PermanentTaskError, type RunningTask, type TaskHandler } from '@taskmanager/client';
import { IMPORT_FILES_RULES, type ImportFilesInput } from '@taskmanager/protocol';
import { noteUnfinished, removeUnfinished } from '../unfinished.js';
import { checkedInput } from '../work-input.js';
import type { WorkerContext } from '../worker-context.js';
import { lies } from '../worker-roots.js';
import { copyFile } from './copy-file.js';
import { findFiles } from './find-files.js';
import { DestinationError, aboutSource, codeOf } from './import-errors.js';
import { ImportProgress } from './import-progress.js';
import { type FileError, Manifest } from './manifest.js';
import { draftsOf, ObjectStore } from './object-store.js';

const CONCURRENCY = 8;
/** Errors in the result, and the characters they may have together; all are in the manifest. */
const ERRORS = 100;
const ERROR_CHARACTERS = 32_768;

/** What the task results in; counts are of files unless they say otherwise. */
export interface ImportFilesResult {
  readonly destination: string;
  /** In the store now, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Objects that were not in the store before. */
  readonly stored: number;
  /** Files whose content was there already, or is that of another file. */
  readonly duplicates: number;
  /** The first of them. */
  readonly errors: readonly { readonly path: string; readonly error: string }[];
  readonly errorCount: number;
  /** The SQLite file with each file's path, size, time and hash or error. */
  readonly manifest: string;
}

export function importFiles({ roots }: Pick<WorkerContext, 'roots'>): TaskHandler {
  return async (task) => {
    const input = checkedInput<ImportFilesInput>(task, IMPORT_FILES_RULES);
    const destination = await roots.insideToWrite(input.destination, 'destination');
    const sources = await Promise.all(
      input.sources.map((source) => realSource(roots, source, destination)),
    );
    await removeUnfinished(roots);
    const drafts = await noteUnfinished(roots, draftsOf(destination, task));
    try {
      const concurrency = input.concurrency ?? CONCURRENCY;
      return { ...(await importInto(destination, sources, task, concurrency)) };
    } finally {
      await drafts.end();
    }
  };
}

async function importInto(
  destination: string,
  sources: readonly (string | FileError)[],
  task: RunningTask,
  concurrency: number,
): Promise<ImportFilesResult> {
  const store = await ObjectStore.open(destination, task);
  try {
    const manifest = openManifest(store);
    try {
      await run(task, sources, store, manifest, concurrency);
      return resultOf(store, manifest);
    } catch (error) {
      throw DestinationError.from(destination, error);
    } finally {
      manifest.close();
    }
  } finally {
    await store.close();
  }
}

async function run(
  task: RunningTask,
  sources: readonly (string | FileError)[],
  store: ObjectStore,
  manifest: Manifest,
  concurrency: number,
): Promise<void> {
  const progress = new ImportProgress(task, store.manifest);
  await whatIsDone(store, manifest);
  const apart = await lstat(store.destination, { bigint: true });
  for (const source of sources) {
    if (typeof source !== 'string') manifest.found([source]);
    else {
      for await (const found of findFiles(source, apart)) {
        await progress.goOn();
        manifest.found(found);
        progress.found(found.length);
      }
    }
  }
  progress.begin(manifest.totals());
  await task.saveCheckpoint(progress.checkpoint());
  await eachOf(manifest.toDo(), concurrency, progress, async (path, goOn) => {
    let bytes = 0;
    try {
      await copyFile(path, {
        store,
        manifest,
        goOn: async (read) => {
          bytes += read;
          progress.read(read);
          await goOn();
        },
      });
      progress.done();
    } catch (error) {
      manifest.failed(path, aboutSource(path, error));
      progress.failed(bytes);
    }
  });
  await store.sync();
}

/** What an earlier attempt wrote down is believed, once it is seen that all objects are there. */
async function whatIsDone(store: ObjectStore, manifest: Manifest): Promise<void> {
  for (const objects of manifest.objects()) {
    const missing = await Promise.all(
      objects.map(async ({ hash, size }) => ((await store.has(hash, size)) ? [] : [hash])),
    );
    for (const hash of missing.flat()) manifest.lost(hash);
  }
}

/** So many at a time. The first failure stops all, and is thrown when all have ended. */
async function eachOf(
  paths: Iterator<string, void>,
  concurrency: number,
  progress: ImportProgress,
  work: (path: string, goOn: () => Promise<void>) => Promise<void>,
): Promise<void> {
  let stopped: { readonly reason: unknown } | undefined;
  const goOn = async () => {
    if (stopped) throw stopped.reason;
    await progress.goOn();
  };
  const lane = async () => {
    try {
      for (;;) {
        await goOn();
        const next = paths.next();
        if (next.done) return;
        await work(next.value, goOn);
      }
    } catch (error) {
      stopped ??= { reason: error };
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  if (stopped) throw stopped.reason;
}

/**
 * Where a source really is. One that is itself a symlink is not followed but told as an error, as are those
 * in the folders.
 */
async function realSource(
  roots: WorkerContext['roots'],
  source: string,
  destination: string,
): Promise<string | FileError> {
  const path = resolve(roots.first, source);
  try {
    const real = await roots.inside(source, 'sources');
    if (lies(real, destination)) {
      throw new PermanentTaskError(`sources: ${JSON.stringify(source)} lies in the destination`);
    }
    return (await isLink(path)) ? path : real;
  } catch (error) {
    return { path, error: aboutSource(path, error) };
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function openManifest(store: ObjectStore): Manifest {
  try {
    return Manifest.open(store.manifest);
  } catch (error) {
    throw DestinationError.from(store.destination, error);
  }
}

function resultOf(
  { destination, manifest: file }: ObjectStore,
  manifest: Manifest,
): ImportFilesResult {
  const { done, doneBytes, stored, failed } = manifest.totals();
  let left = ERROR_CHARACTERS;
  const errors = manifest
    .errors(ERRORS)
    .filter(({ path, error }) => (left -= path.length + error.length) >= 0);
  return {
    destination,
    files: done,
    bytes: doneBytes,
    stored,
    duplicates: done - stored,
    errors,
    errorCount: failed,
    manifest: file,
  };
}
