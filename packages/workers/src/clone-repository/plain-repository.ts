import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentTaskError } from '@taskmanager/client';

/** Bytes of settings that are looked through: nobody writes more. */
const LONGEST_SETTINGS = 1024 * 1024;
/** As git reads them, a section may begin in the middle of a line. */
const LEADING_ELSEWHERE = /\[\s*include|promisor|partialclone|worktreeconfig/i;

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
  const odd = await firstOdd(repository);
  if (odd !== undefined) throw leadsElsewhere(`${JSON.stringify(odd)} is neither file nor folder`);
  if (names.has('config')) {
    const path = join(repository, 'config');
    if ((await lstat(path)).size > LONGEST_SETTINGS)
      throw leadsElsewhere('its settings are too long to be looked at');
    if (LEADING_ELSEWHERE.test(await readFile(path, 'utf8')))
      throw leadsElsewhere('its settings include others, or name a promisor');
  }
  return repository;
}

/** A link, or what a reader might wait at for ever. */
async function firstOdd(folder: string): Promise<string | undefined> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isFile()) continue;
    if (!entry.isDirectory()) return entry.name;
    const found = await firstOdd(join(folder, entry.name));
    if (found !== undefined) return found;
  }
  return undefined;
}
