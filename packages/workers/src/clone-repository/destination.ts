import { lstat, mkdir, readFile, realpath, rename, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PermanentTaskError, type RunningTask } from '@taskmanager/client';
import { noteUnfinished, removeFolder, removeUnfinished } from '../unfinished.js';
import type { WorkerRoots } from '../worker-roots.js';

/** In the clone's `.git`: the id of the task that made it. */
const MARK = 'taskmanager-task';

/** Where a clone goes: made beside it and moved there when it is whole. */
export class Destination {
  private constructor(
    private readonly roots: WorkerRoots,
    readonly path: string,
    private readonly task: Pick<RunningTask, 'id' | 'attempt'>,
  ) {}

  /** @throws PermanentTaskError when tasks may not write there */
  static async of(roots: WorkerRoots, directory: string, task: RunningTask): Promise<Destination> {
    return new Destination(roots, await roots.insideToWrite(directory, 'directory'), task);
  }

  /**
   * Whether this task has made it before.
   * @throws PermanentTaskError when something else is there
   */
  async isOwn(): Promise<boolean> {
    if (!(await lstat(this.path).catch(() => undefined))) return false;
    const maker = await readFile(join(this.path, '.git', MARK), 'utf8').catch(() => '');
    if (maker === this.task.id) return true;
    throw new PermanentTaskError(`directory must not exist yet: ${this.path} does.`);
  }

  /** `fill` is given a folder to make. Whatever fails, nothing is left of it. */
  async make(fill: (folder: string) => Promise<void>): Promise<void> {
    await removeUnfinished(this.roots);
    const parent = dirname(this.path);
    const { id, attempt } = this.task;
    const folder = join(parent, `.taskmanager-clone-${id}-${attempt}`);
    const note = await noteUnfinished(this.roots, folder);
    try {
      await this.makeIn(parent, folder, fill);
    } finally {
      await note.end();
    }
  }

  private async makeIn(
    parent: string,
    folder: string,
    fill: (folder: string) => Promise<void>,
  ): Promise<void> {
    const firstMade = await mkdir(parent, { recursive: true });
    try {
      // Another task may have put a link on the way meanwhile.
      if ((await realpath(parent)) !== parent)
        throw new Error(`directory has changed while it was looked at: ${this.path}`);
      await fill(folder);
      await writeFile(join(folder, '.git', MARK), this.task.id, { flag: 'wx' });
      await this.move(folder);
    } catch (error) {
      await removeFolder(folder);
      if (firstMade !== undefined) await removeEmpty(parent, firstMade);
      throw error;
    }
  }

  private async move(folder: string): Promise<void> {
    try {
      await rename(folder, this.path);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(code)) throw error;
      throw new PermanentTaskError(
        `directory must not exist yet: ${basename(this.path)} was made while this was cloned.`,
      );
    }
  }
}

/** The folders that were made on the way, from the last up to the first, as far as they are empty. */
async function removeEmpty(last: string, first: string): Promise<void> {
  for (let folder = last; folder.length >= first.length; folder = dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}
