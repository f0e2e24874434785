/** Copies one file into the store, and works out its hash from the very bytes that are written. */
import { createHash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { SourceError } from './import-errors.js';
import type { FoundFile, Manifest } from './manifest.js';
import type { Draft, ObjectStore } from './object-store.js';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** Bytes in memory for each file that is being copied, and between two looks at whether to go on. */
const CHUNK = 256 * 1024;

export interface CopyOptions {
  readonly store: ObjectStore;
  readonly manifest: Manifest;
  /** Called between chunks: rejects when the work is to stop. */
  readonly goOn: (bytes: number) => Promise<void>;
}

/**
 * Puts the file into the store, unless this import put the same there already, and says so in the manifest.
 *
 * @throws SourceError or an error of the system when this one file cannot be read
 * @throws DestinationError when nothing can be written
 */
export async function copyFile(path: string, options: CopyOptions): Promise<FoundFile> {
  // Looked at before it is opened: opening a FIFO waits, opening a device may do anything.
  refuseOthers(await lstat(path, { bigint: true }));
  const source = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const before = await source.stat({ bigint: true });
    refuseOthers(before);
    // A folder on the way may have become a link since it was looked through, hours ago perhaps.
    if ((await realpath(path)) !== path) throw new SourceError('a folder on its way is a symlink');
    const draft = await options.store.draft();
    try {
      const hash = await copy(source, draft, Number(before.size), options.goOn);
      const after = await source.stat({ bigint: true });
      if (!same(before, after) || hash.bytes !== Number(before.size)) throw changed();
      const file = { path, size: hash.bytes, mtimeNs: before.mtimeNs };
      await keep(draft, hash.hex, file.size, options);
      options.manifest.done(file, hash.hex);
      return file;
    } finally {
      await draft.discard();
    }
  } finally {
    await source.close();
  }
}

/** @param size past which it is not read: it may grow as fast as it is read */
async function copy(source: FileHandle, draft: Draft, size: number, goOn: CopyOptions['goOn']) {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, CHUNK, null);
    if (bytesRead === 0) return { hex: hash.digest('hex'), bytes };
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    await draft.write(chunk);
    bytes += bytesRead;
    if (bytes > size) throw changed();
    await goOn(bytesRead);
  }
}

async function keep(
  draft: Draft,
  hash: string,
  size: number,
  { store, manifest }: CopyOptions,
): Promise<void> {
  if (manifest.has(hash)) return;
  if (!(await store.has(hash, size))) manifest.storing(hash);
  // Also over one that others put there: so it is what its name says, whoever they were.
  await draft.keep(hash);
}

const changed = () => new SourceError('it changed while it was read');

function refuseOthers(stats: BigIntStats): void {
  if (stats.isFile()) return;
  if (stats.isSymbolicLink()) throw new SourceError('it is a symlink, which is not followed');
  throw new SourceError(`it is ${kindOf(stats)} and no file`);
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

const same = (before: BigIntStats, after: BigIntStats): boolean =>
  before.size === after.size &&
  before.mtimeNs === after.mtimeNs &&
  before.ctimeNs === after.ctimeNs;
