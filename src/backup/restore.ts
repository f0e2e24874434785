import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolder } from '../config/index.js';
import { LOG_FILE, type LogFiles } from '../event-store/index.js';
import { backupNameOf } from './backup-name.js';
import { logFileOf, type Manifest, readManifest } from './manifest.js';
import type { RestoreOptions } from './restore-options.js';
import { BackupBroken, digestOf, verifyLog } from './verified-log.js';

/** What the service keeps in a data folder; files of workers are below it, too, and stay. */
const DATABASE = /\.db(-wal|-shm)?$/;
const STAGED = '.restoring-';

export interface RestoreSetup {
  readonly options: RestoreOptions;
  readonly files: LogFiles;
  readonly signal: AbortSignal;
  /** Told in whole lines what was done. */
  readonly tell: (line: string) => void;
  readonly onProgress: (events: number, fraction: number) => void;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The data folder may not be written to. */
export class FolderTaken extends Error {
  readonly code = 'FOLDER_TAKEN';
  override readonly name = 'FolderTaken';
}

/**
 * Copies the backup beside what is there, reads it through, and only then puts it in its place.
 * Rejects with BackupBroken, FolderTaken, LogUnavailable or the signal's reason; nothing was changed then.
 */
export async function restore(setup: RestoreSetup): Promise<void> {
  const { options, files, signal, tell, now } = setup;
  const { from, to, force } = options;
  const manifest = await readManifest(from);
  await databasesIn(to, force, files);
  makeFolder(to);
  for (const name of await readdir(to)) {
    if (name.startsWith(STAGED)) await rm(join(to, name), { force: true });
  }
  const staged = join(to, `${STAGED}${process.pid}`);
  try {
    await copyFile(logFileOf(from), staged).catch((error: unknown) => {
      throw new BackupBroken(`The backup has no log: ${(error as Error).message}`);
    });
    await syncPath(staged);
    await checkStaged(staged, manifest, setup);
    // No chain covers them, and the service would believe them: it makes its own from the events.
    await files.forgetSnapshots(staged);
    // Looked at once more: a service may have started while the backup was read.
    const present = await databasesIn(to, force, files);
    signal.throwIfAborted();
    const aside = join(to, `before-restore-${backupNameOf(now)}`);
    if (present.length > 0) {
      await mkdir(aside);
      for (const name of present) await setAside(join(to, name), join(aside, name));
      await syncPath(aside);
      tell(`What was there lies in ${aside}`);
    }
    await rename(staged, logFileOf(to));
    await syncPath(to);
  } finally {
    await rm(staged, { force: true });
  }
  const log = files.read(logFileOf(to));
  log.close();
  tell(
    `Restored into ${to}: log ${log.logId}. Start the service: it builds its views from the log.`,
  );
}

/**
 * The log stays where it is until the restored one takes its place, or a service that is started after a
 * kill in between would find none and begin another one. Not every file system can do that.
 */
async function setAside(from: string, to: string): Promise<void> {
  if (basename(from) === LOG_FILE) {
    const isLinked = await link(from, to).then(
      () => true,
      () => false,
    );
    if (isLinked) return;
  }
  await rename(from, to);
}

/** The names of databases in the folder, the log last. @throws FolderTaken */
async function databasesIn(
  folder: string,
  force: boolean,
  files: LogFiles,
): Promise<readonly string[]> {
  if (!existsSync(folder)) return [];
  const names = (await readdir(folder)).filter((name) => DATABASE.test(name));
  const used = names.find((name) => name.endsWith('.db') && files.isOpen(join(folder, name)));
  if (used !== undefined) {
    throw new FolderTaken(
      `${join(folder, used)} is in use: stop every service and program that works in ${folder}.`,
    );
  }
  // Looking has merged and removed what lay beside a database.
  const left = (await readdir(folder)).filter((name) => DATABASE.test(name));
  if (left.length > 0 && !force) {
    throw new FolderTaken(
      `${folder} holds ${left.join(', ')} already. Name another folder, or say --force to move them aside.`,
    );
  }
  const isLog = (name: string): number => (name.startsWith(LOG_FILE) ? 1 : 0);
  return left.sort((a, b) => isLog(a) - isLog(b));
}

/** @throws BackupBroken */
async function checkStaged(
  staged: string,
  { file, log: due }: Manifest,
  { files, signal, tell, onProgress }: RestoreSetup,
): Promise<void> {
  const { bytes, sha256 } = await digestOf(staged, { signal });
  if (bytes !== file.bytes || sha256 !== file.sha256) {
    throw new BackupBroken(
      `The backup's ${file.name} is not the one that its manifest describes: ${bytes} bytes with SHA-256 ${sha256}, expected ${file.bytes} with ${file.sha256}.`,
    );
  }
  const found = await verifyLog(files, staged, {
    signal,
    onProgress: (done, total) => onProgress(done, total > 0 ? done / total : 1),
  });
  const isSame = (['logId', 'events', 'streams', 'digest', 'position'] as const).every(
    (name) => found[name] === due[name],
  );
  if (!isSame) {
    throw new BackupBroken(
      `The backup holds ${found.events} events with digest ${found.digest}, its manifest says ${due.events} with ${due.digest}.`,
    );
  }
  const { events, streams, digest } = found;
  tell(`The backup is whole: ${events} events in ${streams} streams, every hash chain holds.`);
  tell(`sha256 ${digest}`);
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
