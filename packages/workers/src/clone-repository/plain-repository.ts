import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentTaskError } from '@taskmanager/client';

/**
 * A repository below the roots may be made of anything that tasks brought there, and git follows what
 * leads out of it: links, borrowed objects, worktrees, included settings. So only one that stands for
 * itself is cloned.
 *
 * @param folder a real path: a bare repository, or a folder with `.git`
 * @returns the folder that git is to be pointed to
 * @throws PermanentTaskError when there is none, or it leads elsewhere
 */
export async function assertPlainRepository(folder: string, url: string): Promise<string> {
  const inner = join(folder, '.git');
  const kind = await lstat(inner).catch(() => undefined);
  const leadsElsewhere = (what: string) =>
    new PermanentTaskError(`${url} is not cloned, for it leads elsewhere: ${what}.`);
  if (kind && !kind.isDirectory()) throw leadsElsewhere('its .git is a file or a link');
  const repository = kind ? inner : folder;
  const own = await readdir(repository, { withFileTypes: true }).catch(() => []);
  const names = new Set(own.map(({ name }) => name));
  if (!['HEAD', 'objects', 'refs'].every((name) => names.has(name)))
    throw new PermanentTaskError(`There is no repository at ${url}.`);
  // upload-pack would look there first.
  if (names.has('.git')) throw leadsElsewhere('there is a .git in its .git');
  if (names.has('commondir')) throw leadsElsewhere('it is a worktree');
  for (const name of ['alternates', 'http-alternates'])
    if (await lstat(join(repository, 'objects/info', name)).catch(() => undefined))
      throw leadsElsewhere('it borrows objects');
  const settings = await readFile(join(repository, 'config'), 'utf8').catch(() => '');
  if (/^\s*\[\s*include|promisor|partialclone/im.test(settings))
    throw leadsElsewhere('its settings include others, or name a promisor');
  const link = await firstLink(repository);
  if (link !== undefined) throw leadsElsewhere(`${JSON.stringify(link)} is a link`);
  return repository;
}

async function firstLink(folder: string): Promise<string | undefined> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isSymbolicLink()) return entry.name;
    if (!entry.isDirectory()) continue;
    const found = await firstLink(join(folder, entry.name));
    if (found !== undefined) return found;
  }
  return undefined;
}
