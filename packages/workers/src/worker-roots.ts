import { mkdir, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { PermanentTaskError } from '@taskmanager/client';

/** As many links in a row as Linux follows. */
const MAX_LINKS = 40;
/** Folders that no task writes into: git runs what it finds in its own, and ours holds the indexes. */
const NEVER_WRITTEN: ReadonlySet<string> = new Set(['.git', '.taskmanager']);

/**
 * The folders below which every path of a task must lie (`WORKER_ROOTS`), symlinks resolved. Relative
 * paths of a task are relative to the first root.
 */
export class WorkerRoots {
  private constructor(private readonly roots: readonly [string, ...string[]]) {}

  /** Makes the folders that are missing. @throws Error when one cannot be made or read */
  static async open(paths: readonly string[]): Promise<WorkerRoots> {
    const [first, ...others] = await Promise.all(
      paths.map(async (path) => {
        await mkdir(path, { recursive: true });
        return realpath(path);
      }),
    );
    if (first === undefined) throw new Error('WORKER_ROOTS names no folder');
    return new WorkerRoots([first, ...others]);
  }

  /** All of them, resolved. */
  get all(): readonly string[] {
    return this.roots;
  }

  /** Where relative paths of a task begin, and where workers keep what is theirs. */
  get first(): string {
    return this.roots[0];
  }

  /**
   * The real path of what a task names, which need not exist: every symlink on the way is resolved, also
   * one that leads to nothing yet. What is made of it later must be opened without following links.
   *
   * @param field the input's field, for the message
   * @throws PermanentTaskError when it lies outside of all roots
   */
  async inside(path: string, field: string): Promise<string> {
    if (path.includes('\0')) throw new PermanentTaskError(`${field} holds a NUL character`);
    const real = await realOf(resolve(this.first, path), field);
    if (this.roots.some((root) => lies(real, root))) return real;
    throw new PermanentTaskError(
      `${field} must lie below one of the folders of WORKER_ROOTS: ${JSON.stringify(path)} does not`,
    );
  }

  /**
   * As {@link inside}, for what a task is to make or change.
   * @throws PermanentTaskError also when it is a root itself, or in a folder of git's own or of ours
   */
  async insideToWrite(path: string, field: string): Promise<string> {
    const real = await this.inside(path, field);
    const around = this.roots.filter((root) => lies(real, root));
    const parts = around.flatMap((root) => relative(root, real).split(sep));
    const barred = parts.find((part) => part === '' || NEVER_WRITTEN.has(part.toLowerCase()));
    if (barred === undefined) return real;
    throw new PermanentTaskError(
      barred === ''
        ? `${field} must be a folder below one of WORKER_ROOTS, not that folder itself`
        : `${field} must not lie in a folder ${barred}: ${JSON.stringify(path)} does`,
    );
  }
}

/** `path` is `root` or lies below it; both are real. */
export function lies(path: string, root: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** realpath, but of what need not exist: links that lead to nothing are followed by hand. */
async function realOf(path: string, field: string, links = 0): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const parent = dirname(path);
    if (code === 'ELOOP' || code === 'ENOTDIR' || code === 'ENAMETOOLONG')
      throw new PermanentTaskError(`${field} is no path that can be used: ${message}`);
    if (code !== 'ENOENT' || parent === path) throw error;
    const name = join(await realOf(parent, field, links), basename(path));
    const target = await readlink(name).catch(() => undefined);
    if (target === undefined) return name;
    if (links === MAX_LINKS) throw new PermanentTaskError(`${field} goes through too many links`);
    return realOf(resolve(dirname(name), target), field, links + 1);
  }
}
