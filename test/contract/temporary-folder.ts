import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of one test's own, and a path in it. */
export async function temporaryFolder(
  name: string,
): Promise<{ folder: string; file: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'taskmanager-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  return { folder, file: join(folder, name), remove };
}
