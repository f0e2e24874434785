import { mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { PermanentTaskError } from '@taskmanager/client';

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

  /** Where relative paths of a task begin, and where workers keep what is theirs. */
  get first(): string {
    return this.roots[0];
  }

  /**
   * The real path of what a task names, which need not exist: every symlink on the way to the deepest
   * folder that exists is resolved. What is made of it later must be opened without following links.
   *
   * @param field the input's field, for the message
   * @throws PermanentTaskError when it lies outside of all roots
   */
  async inside(path: string, field: string): Promise<string> {
    if (path.includes('\0')) throw new PermanentTaskError(`${field} holds a NUL character`);
    const real = await deepestReal(resolve(this.first, path));
    if (this.roots.some((root) => lies(real, root))) return real;
    throw new PermanentTaskError(
      `${field} must lie below one of the folders of WORKER_ROOTS: ${JSON.stringify(path)} does not`,
    );
  }
}

function lies(path: string, root: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

async function deepestReal(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error;
    return join(await deepestReal(parent), basename(path));
  }
}
