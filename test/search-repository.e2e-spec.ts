import { createHash } from 'node:crypto';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import { indexRepository, WorkerRoots } from '@taskmanager/workers';
import { FakeRunningTask } from '../packages/workers/test/fake-running-task.js';
import { makeRepository } from '../packages/workers/test/generated-repository.js';
import { execGit } from '../packages/workers/test/git.js';
import { type Service, spawnService, startService } from './service.js';
import { until } from './until.js';

const TOKENS = {
  'a-reader': { id: 'ann', roles: ['reader'] },
  'a-confined': { id: 'bob', roles: ['client'], apps: ['billing'] },
};

let folder: string;
let root: string;
let service: Service;
let client: TaskManager;

const connect = (token: keyof typeof TOKENS): Promise<TaskManager> =>
  TaskManager.connect({ transport: 'tcp', port: service.port, token });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'search-e2e-'));
  const tokens = Object.entries(TOKENS).map(([token, actor]) => [
    createHash('sha256').update(token).digest('hex'),
    actor,
  ]);
  writeFileSync(join(folder, 'tokens.json'), JSON.stringify(Object.fromEntries(tokens)));
  service = await startService({
    AUTH_FILE: join(folder, 'tokens.json'),
    DATA_DIR: join(folder, 'data'),
  });
  root = join(service.dataDir, 'work');
  const roots = await WorkerRoots.open([root]);
  await makeRepository(join(root, 'repository'), { files: 120 });
  const task = new FakeRunningTask('index_repository', { directory: 'repository' });
  await indexRepository({ roots })(task);
  client = await connect('a-reader');
});

afterAll(async () => {
  await client?.close();
  await service?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('search_repository', () => {
  it.each(['value + 1', 'PARSE', 'the '])(
    'finds the lines that git grep finds: %j',
    async (text) => {
      const said = await execGit(join(root, 'repository'), [
        ...['grep', '-I', '-i', '-n', '-F', '--null', '-e', text, '--', ':!large'],
      ]);
      const expected = said
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split('\0').slice(0, 2).join(':'));
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await client.searchRepository('repository', text, { limit: 50, cursor });
        found.push(...page.matches.map(({ path, line }) => `${path}:${line}`));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(found.length).toBeGreaterThan(50);
      expect(found.sort()).toEqual(expected.sort());
    },
  );

  it('finds symbols, and says what was indexed', async () => {
    const answer = await client.searchRepository('repository', 'spaceIn', { kind: 'symbol' });
    expect(answer).toMatchObject({
      matches: [{ path: 'with space/and more.ts', line: 1, symbol: { kind: 'function' } }],
      indexedAt: expect.any(Number),
      commit: (await execGit(join(root, 'repository'), ['rev-parse', 'HEAD'])).trim(),
    });
  });

  it.each([
    [{ text: 'ab' }, /at least 3 characters/],
    [{ text: 'a\nb' }, /one line/],
    [{ text: 'abc', limit: 501 }, /limit/],
    [{ text: 'abc', cursor: 'x' }, /cursor/],
    [{ text: 'abc', directory: '../..' }, /no index/],
  ])('refuses %j', async (fields, message) => {
    const refused = client.query('search_repository', { directory: 'repository', ...fields });
    await expect(refused).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringMatching(message),
    });
  });

  it('is not for a token that is confined to apps', async () => {
    const confined = await connect('a-confined');
    try {
      await expect(confined.searchRepository('repository', 'value')).rejects.toMatchObject({
        code: 'FORBIDDEN',
      });
    } finally {
      await confined.close();
    }
  });
});

describe('The whole way, with the program of the workers', () => {
  it('indexes, pauses in the middle, goes on, and is searched', async () => {
    const spawned = await spawnService({ WORKERS: 'auto' });
    const ann = await TaskManager.connect({ transport: 'tcp', port: spawned.port, actor: 'ann' });
    try {
      const directory = join(spawned.dataDir, 'work', 'repository');
      await makeRepository(directory, { files: 900 });
      const { taskId } = await ann.indexRepositoryTask({ directory: 'repository' });
      await until(async () => ((await ann.getTask(taskId)).completedItems ?? 0) > 0);
      await ann.pauseTask(taskId);
      await until(async () => (await ann.getTask(taskId)).pauseAcknowledged === true);
      const { checkpoint } = await ann.getTask(taskId);
      expect(checkpoint).toMatchObject({ totalItems: 900 });
      expect(await ann.searchRepository('repository', 'leading')).not.toHaveProperty('indexedAt');
      await ann.resumeTask(taskId);
      await until(async () => (await ann.getTask(taskId)).status === 'completed');
      expect(await ann.getTask(taskId)).toMatchObject({
        attempt: 2,
        result: { directory: realpathSync(directory), files: 900, changed: 900 },
      });
      const { matches, indexedAt } = await ann.searchRepository('repository', 'leadingDash');
      expect(matches).toMatchObject([{ path: '-leading-dash.js', line: 1 }]);
      expect(indexedAt).toBeGreaterThan(0);
    } finally {
      await ann.close();
      await spawned.stop('SIGTERM');
    }
  });
});
