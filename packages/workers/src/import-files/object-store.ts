/** A folder of files that are named by the SHA-256 of what is in them: `objects/<2 hex>/<62 hex>`. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningTask } from '@taskmanager/client';
import { inTheWay, ownFile, ownFolder } from '../own-files.js';
import { DestinationError, codeOf } from './import-errors.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
/** What is in an object never changes. */
const OBJECT_MODE = 0o444;

/** Where an attempt keeps what is not an object yet. */
export function draftsOf(
  destination: string,
  { id, attempt }: Pick<RunningTask, 'id' | 'attempt'>,
): string {
  return join(destination, 'drafts', `${id}-${attempt}`);
}

export class ObjectStore {
  /** Folders of `objects` that this attempt has looked at, and whose entries may not be on the disk yet. */
  private readonly folders = new Map<string, Promise<string>>();

  private constructor(
    readonly destination: string,
    /**
     * Objects that are being written: of this attempt alone, which may come back from a long sleep when the
     * next one is at work.
     */
    private readonly drafts: string,
    /** Where this task's manifest is. */
    readonly manifest: string,
  ) {}

  /**
   * Makes what is missing of it. Nothing of it may be a symlink: what is written stays below `destination`.
   *
   * @param destination a real path; its folders are made
   * @throws PermanentTaskError when something else is in its place
   */
  static async open(
    destination: string,
    task: Pick<RunningTask, 'id' | 'attempt'>,
  ): Promise<ObjectStore> {
    return told(destination, async () => {
      await mkdir(destination, { recursive: true }).catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error;
      });
      await ownFolder(destination);
      if ((await realpath(destination)) !== destination) throw inTheWay(destination);
      await ownFolder(join(destination, 'drafts'));
      const manifests = await ownFolder(join(destination, 'manifests'));
      await ownFolder(join(destination, 'objects'));
      const manifest = join(manifests, `${task.id}.db`);
      for (const suffix of ['', '-wal', '-shm', '-journal']) await ownFile(manifest + suffix);
      return new ObjectStore(destination, await ownFolder(draftsOf(destination, task)), manifest);
    });
  }

  /** Something of that size is there under that name; what is in it was not looked at. */
  async has(hash: string, size: number): Promise<boolean> {
    return told(this.destination, async () => {
      const stats = await lstat(await this.place(hash)).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      });
      return stats !== undefined && stats.isFile() && stats.size === size;
    });
  }

  /** A file that becomes an object when it is kept. */
  async draft(): Promise<Draft> {
    const path = join(this.drafts, randomUUID());
    const file = await told(this.destination, () =>
      open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, OBJECT_MODE),
    );
    return new Draft(this.destination, path, file, (hash) => this.place(hash));
  }

  /** Resolves when the names of all objects of this attempt are on the disk. */
  async sync(): Promise<void> {
    await told(this.destination, async () => {
      for (const folder of [...this.folders.values(), join(this.destination, 'objects')]) {
        const handle = await open(await folder, constants.O_RDONLY);
        await handle.sync().finally(() => handle.close());
      }
    });
  }

  async close(): Promise<void> {
    await told(this.destination, () => rm(this.drafts, { recursive: true, force: true }));
  }

  private async place(hash: string): Promise<string> {
    const prefix = hash.slice(0, 2);
    let folder = this.folders.get(prefix);
    if (!folder) {
      folder = ownFolder(join(this.destination, 'objects', prefix));
      this.folders.set(prefix, folder);
    }
    return join(await folder, hash.slice(2));
  }
}

/** A file on its way into the store. Its errors are {@link DestinationError}s. */
export class Draft {
  private open = true;

  constructor(
    private readonly destination: string,
    private readonly path: string,
    private readonly file: FileHandle,
    private readonly place: (hash: string) => Promise<string>,
  ) {}

  async write(bytes: Uint8Array): Promise<void> {
    await told(this.destination, () => this.file.writeFile(bytes));
  }

  /** Puts it on the disk and gives it its name; what had that name, the same or something false, goes. */
  async keep(hash: string): Promise<void> {
    await told(this.destination, async () => {
      await this.file.sync();
      await this.close();
      await rename(this.path, await this.place(hash));
    });
  }

  /** Throws it away; nothing when it was kept. */
  async discard(): Promise<void> {
    await told(this.destination, async () => {
      await this.close();
      await rm(this.path, { force: true });
    });
  }

  private async close(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    await this.file.close();
  }
}

async function told<T>(destination: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw DestinationError.from(destination, error);
  }
}
