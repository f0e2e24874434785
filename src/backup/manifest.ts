import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPosition, type Json } from '@taskmanager/protocol';
import { LOG_FILE } from '../event-store/index.js';
import { BackupBroken, type FileFacts, type LogFacts } from './verified-log.js';

const MANIFEST = 'manifest.json';
const FORMAT = 'taskmanager-backup';
const VERSION = 1;

/** What stands beside the log in the folder of a backup. */
export interface Manifest {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  /** Epoch milliseconds. */
  readonly madeAt: number;
  /** Of TaskManager. */
  readonly release: string;
  readonly log: LogFacts;
  readonly file: { readonly name: string } & FileFacts;
}

export const logFileOf = (folder: string): string => join(folder, LOG_FILE);

export async function writeManifest(
  folder: string,
  about: Pick<Manifest, 'madeAt' | 'release' | 'log'> & { readonly file: FileFacts },
): Promise<void> {
  const { madeAt, release, log, file } = about;
  const manifest: Manifest = {
    format: FORMAT,
    version: VERSION,
    madeAt,
    release,
    log,
    file: { name: LOG_FILE, ...file },
  };
  const handle = await open(join(folder, MANIFEST), 'w');
  try {
    await handle.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws BackupBroken when the folder is no backup, or of a newer release */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch((error: unknown) => {
    throw new BackupBroken(`${folder} is no backup: ${(error as Error).message}`);
  });
  const manifest = parsed(text);
  if (!isObject(manifest) || manifest['format'] !== FORMAT) {
    throw new BackupBroken(`${join(folder, MANIFEST)} is not the manifest of a backup.`);
  }
  if (manifest['version'] !== VERSION) {
    throw new BackupBroken(
      `${folder} is a backup of form ${JSON.stringify(manifest['version'])}, this release reads ${VERSION}: restore it with the release that made it.`,
    );
  }
  const { log, file } = manifest;
  if (!isLog(log) || !isFile(file)) {
    throw new BackupBroken(`${join(folder, MANIFEST)} does not say what it has to.`);
  }
  return manifest as unknown as Manifest;
}

type Fields = Readonly<Record<string, Json | undefined>>;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isLog = (log: unknown): boolean =>
  isObject(log) &&
  typeof log['events'] === 'number' &&
  typeof log['streams'] === 'number' &&
  typeof log['logId'] === 'string' &&
  typeof log['digest'] === 'string' &&
  (log['position'] === undefined || isPosition(log['position']));

const isFile = (file: unknown): boolean =>
  isObject(file) &&
  file['name'] === LOG_FILE &&
  typeof file['bytes'] === 'number' &&
  typeof file['sha256'] === 'string';
