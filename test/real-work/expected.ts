import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';
import type { TaskInfo } from '@taskmanager/protocol';
import { execGit } from '../../packages/workers/test/git.js';
import { manifestHashes } from '../../packages/workers/test/import-manifest.js';
import { indexContent, type IndexContent } from '../../packages/workers/test/index-content.js';
import { sha256sums } from '../../packages/workers/test/sha256sum.js';
import type { WorkPlace } from './work-place.js';

/** Where search and git grep are asked for the same. */
const SEARCHED = ['merge the', 'RETURN value + 1', 'function slow('];
const AT_ONCE = { attempt: 1, stallCount: 0 };

/** What real work must come to: by git, by sha256sum, and by an index that nobody interrupted. */
export class Expected {
  private inOneGo: Promise<IndexContent> | undefined;

  constructor(private readonly place: WorkPlace) {}

  async clone(task: TaskInfo, directory: string, also: Partial<TaskInfo> = {}): Promise<void> {
    const listed = await this.tree(this.place.repository);
    const sizes = listed.map((line) => Number(line.split(/\s+/)[3]));
    expect(task).toMatchObject({
      ...AT_ONCE,
      ...also,
      result: {
        directory,
        branch: 'main',
        commit: await this.git(this.place.repository, 'rev-parse', 'HEAD'),
        files: listed.length,
        bytes: sizes.reduce((sum, size) => sum + size, 0),
      },
    });
    expect(await this.tree(directory)).toEqual(listed);
    expect(await this.git(directory, 'status', '--porcelain')).toBe('');
    await this.git(directory, 'fsck', '--strict', '--no-progress');
  }

  async index(task: TaskInfo, directory: string, also: Partial<TaskInfo> = {}): Promise<void> {
    const listed = await this.tree(directory);
    expect(task).toMatchObject({
      ...AT_ONCE,
      ...also,
      result: { directory, files: listed.length },
    });
    const { index } = task.result as { index: string };
    const content = indexContent(index);
    const sums = sha256sums(directory);
    for (const { path, hash } of content.files) expect(sums.get(join(directory, path))).toBe(hash);
    expect(content.files).toHaveLength(listed.length);
    this.inOneGo ??= this.indexInOneGo();
    // Said in a word: what differs among thousands of texts nobody could read.
    expect(isDeepStrictEqual(content, await this.inOneGo)).toBe(true);
    for (const text of SEARCHED) await this.search(directory, text);
  }

  /** @param before objects that were there before the task began */
  async import(
    task: TaskInfo,
    source: string,
    { before = 0, ...also }: Partial<TaskInfo> & { readonly before?: number } = {},
  ): Promise<void> {
    const sums = sha256sums(source);
    const contents = [...new Set(sums.values())];
    const { manifest, destination } = task.result as { manifest: string; destination: string };
    const stored = contents.length - before;
    const files = sums.size;
    const result = { files, stored, duplicates: files - stored, errorCount: 0 };
    expect(task).toMatchObject({ ...AT_ONCE, ...also, result });
    expect(manifestHashes(manifest)).toEqual(sums);
    expect(this.objects(destination).sort()).toEqual(contents.sort());
  }

  /** The hashes of all objects, after it was seen that each is what its name says, and nothing else is left. */
  objects(store: string): string[] {
    const folder = join(store, 'objects');
    const found = [...sha256sums(folder)].map(([path, hash]) => {
      expect(relative(folder, path)).toBe(join(hash.slice(0, 2), hash.slice(2)));
      return hash;
    });
    expect(readdirSync(join(store, 'drafts'))).toEqual([]);
    return found;
  }

  /** Both find the same lines. */
  private async search(directory: string, text: string): Promise<void> {
    const grep = ['grep', '-I', '-i', '-n', '-F', '--null', '-e', text, '--', ':!large'];
    const said = (await this.git(directory, ...grep)).split('\n');
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.place.client.searchRepository(directory, text, {
        limit: 500,
        cursor,
      });
      found.push(...page.matches.map(({ path, line }) => `${path}:${line}`));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    const lines = said.filter(Boolean).map((line) => line.split('\0').slice(0, 2).join(':'));
    expect(lines.length).toBeGreaterThan(10);
    expect(found.sort()).toEqual(lines.sort());
  }

  /** Of a directory with the same in it. */
  private async indexInOneGo(): Promise<IndexContent> {
    const { place } = this;
    await place.cloneByGit('in-one-go');
    const { attempt, result } = await place.done(await place.index('in-one-go'));
    expect(attempt).toBe(1);
    return indexContent((result as { index: string }).index);
  }

  private async tree(directory: string): Promise<string[]> {
    return (await this.git(directory, 'ls-tree', '-rlz', 'HEAD')).split('\0').filter(Boolean);
  }

  private async git(directory: string, ...args: string[]): Promise<string> {
    return (await execGit(directory, ['--no-optional-locks', ...args])).trimEnd();
  }
}
