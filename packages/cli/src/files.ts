/** Files that are whole when they have their name: what is broken off leaves none. */
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, readFile, rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Io } from './io.js';
import { CommandFailed, UsageError } from './usage-error.js';

export interface FileOptions {
  /** Undefined or `-`: standard output. */
  readonly out?: string;
  readonly force?: true;
}

/**
 * Writes what the streams give, the first one's source, as fast as it is taken.
 *
 * @throws UsageError when the file is there already and `force` is not set
 * @throws CommandFailed when there can be no such file
 */
export async function writeOut(
  { out, force }: FileOptions,
  io: Io,
  ...streams: readonly [Readable, ...NodeJS.ReadWriteStream[]]
): Promise<void> {
  if (out === undefined || out === '-') {
    await pipeline([...streams, io.output], { signal: io.signal, end: false });
    return;
  }
  await assertFree(out, force ?? false);
  // A name of its own, and a new file: what somebody else has put or writes there is left alone.
  const part = `${out}.${randomUUID()}.part`;
  try {
    const file: Writable = createWriteStream(part, { flags: 'wx', mode: 0o600 });
    await pipeline([...streams, file], { signal: io.signal });
    await assertFree(out, force ?? false);
    await rename(part, out);
  } catch (error) {
    await rm(part, { force: true });
    const { path, message } = error as NodeJS.ErrnoException;
    if (path !== part) throw error;
    throw new CommandFailed(`${out} cannot be written: ${message.split(', ')[0]}`);
  }
}

/** @throws UsageError when there is such a file, and it may not be replaced */
export async function assertFree(path: string, force: boolean): Promise<void> {
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (there && !force)
    throw new UsageError(`${path} is there already: choose another name, or say --force.`);
}

/** The lines of a file, or of standard input for `-`. */
export function linesOf(path: string, io: Io): AsyncIterable<string> {
  const input = path === '-' ? io.input : createReadStream(path, { encoding: 'utf8' });
  const lines = createInterface({ input, crlfDelay: Infinity });
  return (async function* () {
    const failed = new Promise<never>((_resolve, reject) => input.once('error', reject));
    failed.catch(() => undefined);
    const reader = lines[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await Promise.race([reader.next(), failed]);
        if (next.done) return;
        yield next.value;
      }
    } finally {
      lines.close();
    }
  })();
}

export function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8');
}
