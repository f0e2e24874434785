/** Reads a file that a list of git's names, wherever that name may lead. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Larger ones are counted, not indexed. */
export const MAX_INDEXED_BYTES = 1024 * 1024;
/** Where git, too, looks for the NUL that makes a file binary. */
const BINARY_PROBE_BYTES = 8_000;
/** A change within one tick of the file system's clock cannot be seen: younger stamps are not believed. */
const YOUNG_MS = 2_000;
const CHUNK_BYTES = 256 * 1024;
/** No link as the last part, and no waiting for the other end of a pipe. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface ReadFile {
  readonly stamp: string;
  readonly hash: string;
  readonly kind: 'text' | 'binary' | 'large';
  readonly bytes: number;
  readonly lines: number;
  /** The whole of a text file; the beginning of a large one. */
  readonly content?: Buffer;
}

/** Why there is nothing to read. */
export type Unread = 'missing' | 'symlink' | 'unreadable';

/** The files of one directory. It remembers which of its folders are real. */
export class DirectoryReader {
  private readonly folders = new Map<string, boolean>();

  constructor(private readonly directory: string) {}

  /** @returns `same` when the file has the stamp that is known of it, so that it need not be read */
  async read(path: string, known: string | undefined): Promise<ReadFile | Unread | 'same'> {
    const file = join(this.directory, path);
    try {
      if (!(await this.isReal(dirname(file)))) return 'symlink';
      const seen = await lstat(file, { bigint: true });
      if (seen.isSymbolicLink()) return 'symlink';
      if (!seen.isFile()) return seen.isDirectory() ? 'missing' : 'unreadable';
      if (known !== undefined && known === stampOf(seen)) return 'same';
      const handle = await open(file, FLAGS);
      try {
        return await readAll(handle);
      } finally {
        await handle.close();
      }
    } catch (error) {
      return whyUnread(error);
    }
  }

  /** Whether no part of a folder's path below the directory is a link. */
  private async isReal(folder: string): Promise<boolean> {
    let real = this.folders.get(folder);
    if (real === undefined) {
      real = (await realpath(folder)) === folder;
      this.folders.set(folder, real);
    }
    return real;
  }
}

async function readAll(handle: FileHandle): Promise<ReadFile | Unread> {
  const stats = await handle.stat({ bigint: true });
  if (!stats.isFile()) return 'unreadable';
  const young = Date.now() - Number(stats.mtimeMs) < YOUNG_MS;
  const hash = createHash('sha256');
  const kept: Buffer[] = [];
  let bytes = 0;
  let lines = 0;
  for (;;) {
    const size = bytes === 0 ? Number(stats.size) + 1 : CHUNK_BYTES;
    const chunk = Buffer.allocUnsafe(Math.min(Math.max(size, 64), CHUNK_BYTES));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) break;
    const part = chunk.subarray(0, bytesRead);
    hash.update(part);
    lines += newlines(part);
    if (bytes < MAX_INDEXED_BYTES) kept.push(part);
    bytes += bytesRead;
  }
  const content = Buffer.concat(kept);
  const binary = content.subarray(0, BINARY_PROBE_BYTES).includes(0);
  const kind = binary ? 'binary' : bytes > MAX_INDEXED_BYTES ? 'large' : 'text';
  return {
    stamp: young ? '' : stampOf(stats),
    hash: hash.digest('hex'),
    kind,
    bytes,
    lines: binary ? 0 : lines,
    ...(!binary && { content }),
  };
}

function newlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count += 1;
  return count;
}

function stampOf(stats: {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
}): string {
  return `${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}:${stats.ino}`;
}

const WHY_UNREAD: Readonly<Record<string, Unread>> = {
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  ELOOP: 'symlink',
  EACCES: 'unreadable',
  EPERM: 'unreadable',
  ENXIO: 'unreadable',
  ENAMETOOLONG: 'unreadable',
  EIO: 'unreadable',
};

function whyUnread(error: unknown): Unread {
  const why = WHY_UNREAD[(error as NodeJS.ErrnoException).code ?? ''];
  if (why === undefined) throw error;
  return why;
}
