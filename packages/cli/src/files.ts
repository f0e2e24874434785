/** Files that are whole when they have their name: what is broken off leaves none. */
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, readFile, rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { Io } from './io.js';
import { CommandFailed, UsageError } from './usage-error.js';

export interface FileOptions {
  /** Undefined or `-`: standard output. */
  readonly out?: string;
  readonly force?: true;
}

export function withOut(command: Command): Command {
  return command
    .option('-o, --out <file>', 'into this file instead of standard output')
    .option('--force', 'replace the file when it is there');
}

/**
 * The file that is to be written; undefined: standard output. Asked before the work, too.
 *
 * @throws UsageError when it is there already and may not be replaced
 */
export async function freeFile({ out, force }: FileOptions): Promise<string | undefined> {
  if (out === undefined || out === '-') return undefined;
  const there = await access(out).then(
    () => true,
    () => false,
  );
  if (there && !force)
    throw new UsageError(`${out} is there already: choose another name, or say --force.`);
  return out;
}

/**
 * Writes what the streams give, the first one's source, as fast as it is taken.
 *
 * @throws UsageError when the file is there already and `force` is not set
 * @throws CommandFailed when there can be no such file
 */
export async function writeOut(
  options: FileOptions,
  io: Io,
  ...streams: readonly [Readable, ...NodeJS.ReadWriteStream[]]
): Promise<void> {
  const out = await freeFile(options);
  if (out === undefined) {
    await pipeline([...streams, io.output], { signal: io.signal, end: false });
    return;
  }
  // A name of its own, and a new file: what somebody else has put or writes there is left alone.
  const part = `${out}.${randomUUID()}.part`;
  try {
    const file: Writable = createWriteStream(part, { flags: 'wx', mode: 0o600 });
    await pipeline([...streams, file], { signal: io.signal });
    await freeFile(options);
    await rename(part, out);
  } catch (error) {
    await rm(part, { force: true });
    const { path, message } = error as NodeJS.ErrnoException;
    if (path !== part) throw error;
    throw new CommandFailed(`${out} cannot be written: ${message.split(', ')[0]}`);
  }
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
      if (input !== io.input) input.destroy();
    }
  })();
}

export function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8');
}
