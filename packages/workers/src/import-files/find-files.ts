/** Lists the files below a source, without following a link and without opening anything but folders. */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BigIntStats } from 'node:fs';
import { aboutSource } from './import-errors.js';
import type { FileError, FoundFile } from './manifest.js';

/** Entries looked at together. */
const BATCH = 256;

/** A folder, whatever its path. */
export type FolderId = Pick<BigIntStats, 'dev' | 'ino'>;

/**
 * Everything below `source` that is no folder, or `source` itself; what cannot be looked at comes with its
 * error. Batches are small, so that whoever reads them can stop.
 *
 * @param apart this folder is left out: what is imported is not imported again
 */
export async function* findFiles(
  source: string,
  apart: FolderId,
): AsyncGenerator<(FoundFile | FileError)[], void> {
  const folders: string[] = [];
  const look = async (path: string): Promise<(FoundFile | FileError)[]> => {
    try {
      const stats = await lstat(path, { bigint: true });
      if (!stats.isDirectory()) return [fileFrom(path, stats)];
      if (stats.dev !== apart.dev || stats.ino !== apart.ino) folders.push(path);
      return [];
    } catch (error) {
      return [{ path, error: aboutSource(path, error) }];
    }
  };
  yield await look(source);
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      let names: string[] = [];
      for await (const { name } of await opendir(folder)) {
        names.push(join(folder, name));
        if (names.length < BATCH) continue;
        yield (await Promise.all(names.map(look))).flat();
        names = [];
      }
      yield (await Promise.all(names.map(look))).flat();
    } catch (error) {
      yield [{ path: folder, error: aboutSource(folder, error) }];
    }
  }
}

/** Devices and links have sizes that mean something else. */
const fileFrom = (path: string, stats: BigIntStats): FoundFile => ({
  path,
  size: stats.isFile() ? Number(stats.size) : 0,
  mtimeNs: stats.mtimeNs,
});
