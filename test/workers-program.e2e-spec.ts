import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import type { TaskInfo } from '@taskmanager/protocol';
import { makeRepository } from '../packages/workers/test/generated-repository.js';
import { type GitServer, startGitServer } from '../packages/workers/test/git-server.js';
import { execGit } from '../packages/workers/test/git.js';
import { freePort } from './nats.js';
import { spawnService, type Variables } from './service.js';

const WORKERS = fileURLToPath(new URL('../packages/workers/dist/main.js', import.meta.url));

let served: string;
let git: GitServer;
let commit: string;

beforeAll(async () => {
  served = mkdtempSync(join(tmpdir(), 'served-'));
  ({ commit } = await makeRepository(join(served, 'big'), { files: 500 }));
  git = await startGitServer(served);
});

afterAll(async () => {
  await git.close();
  rmSync(served, { recursive: true, force: true });
});

afterEach(() => {
  git.behaviour = {};
});

async function start(variables: Variables = {}, token?: string) {
  const service = await spawnService({
    WORKERS: 'auto',
    WORKER_ALLOW_PRIVATE: 'true',
    WORKER_GIT_CA: git.certificate,
    ...variables,
  });
  const { port } = service;
  const who = token === undefined ? { actor: 'ann' } : { token };
  const client = await TaskManager.connect({ transport: 'tcp', port, ...who });
  const clone = async (directory: string) => {
    const url = `https://localhost:${git.port}/big`;
    return (await client.cloneRepositoryTask({ url, directory, retryDelayMs: 0 })).taskId;
  };
  /** Asks for a clone that stands still in the middle. */
  const stalledClone = async (directory: string) => {
    git.behaviour = { stallAfter: 20_000 };
    const stalled = git.stalled();
    const id = await clone(directory);
    await stalled;
    git.behaviour = {};
    return id;
  };
  const task = (id: string, is: (info: TaskInfo) => boolean) =>
    until(async () => {
      const info = await client.getTask(id);
      return is(info) ? info : undefined;
    });
  const done = (id: string) => task(id, ({ status }) => status === 'completed');
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    await client.close();
    return service.stop(signal);
  };
  const root = join(service.dataDir, 'work');
  return { service, client, root, clone, stalledClone, task, done, stop };
}

/** Asks again until there is an answer: what it waits for says nothing of its own. */
async function until<T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = performance.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`It did not come: ${String(ask)}`);
    await delay(20);
  }
}

/** `<host>-<process id>-<random>` is how a worker calls itself. */
const pidOf = ({ workerId = '' }: TaskInfo) => Number(/-(\d+)-\w+$/.exec(workerId)?.[1]);
const isThere = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('A service that only this machine reaches', () => {
  let running: Awaited<ReturnType<typeof start>>;

  beforeAll(async () => {
    const token = randomBytes(16).toString('hex');
    const hash = createHash('sha256').update(token).digest('hex');
    const AUTH_FILE = join(served, 'tokens.json');
    writeFileSync(
      AUTH_FILE,
      JSON.stringify({ [hash]: { id: 'ann', roles: ['client', 'worker'] } }),
    );
    running = await start({ AUTH_FILE, WORKERS_TOKEN: token, WORKER_LEASE_MS: '1000' }, token);
  });

  afterAll(async () => {
    expect(await running.stop()).toBe(0);
    running.service.forget();
  });

  it('starts workers with the token that it has for them, and they clone', async () => {
    const { service, clone, done, root } = running;
    expect(service.output()).toContain(`work  the included workers, for files below ${root}`);
    const directory = join(root, 'a');
    const task = await done(await clone('a'));
    const files = (await execGit(directory, ['ls-files', '-z'])).split('\0').length - 1;
    expect(task).toMatchObject({
      progress: 100,
      result: { directory, branch: 'main', commit, files },
    });
    expect(await execGit(directory, ['rev-parse', 'HEAD'])).toBe(`${commit}\n`);
  });

  it('carries a cancel to a clone that runs, of which nothing is left', async () => {
    const { client, stalledClone, task, root } = running;
    const id = await stalledClone('b/c');
    expect(readdirSync(join(root, 'b'))).toEqual([`.taskmanager-clone-${id}-1`]);
    await client.cancelTask(id, { reason: 'not wanted' });
    await task(id, ({ cancelAcknowledged }) => cancelAcknowledged === true);
    expect(existsSync(join(root, 'b'))).toBe(false);
  });

  it('starts workers again that were killed, and the clone is done after its lease has run out', async () => {
    const { service, client, stalledClone, done, root } = running;
    const id = await stalledClone('d/e');
    const killed = pidOf(await client.getTask(id));
    process.kill(killed, 'SIGKILL');
    const task = await done(id);
    expect(task).toMatchObject({ stallCount: 1, result: { commit } });
    expect(pidOf(task)).not.toBe(killed);
    expect(readdirSync(join(root, 'd'))).toEqual(['e']);
    expect(service.output()).toMatch(/workers ended with SIGKILL and are started again/);
  });
});

describe('The workers of a service', () => {
  it('hand back what they have not done when it stops, and go when it is killed', async () => {
    const DATA_DIR = mkdtempSync(join(tmpdir(), 'workers-'));
    const first = await start({ DATA_DIR, SHUTDOWN_TIMEOUT_MS: '4000', WORKER_SHUTDOWN_MS: '0' });
    const id = await first.stalledClone('a');
    const stopped = pidOf(await first.client.getTask(id));
    expect(await first.stop('SIGTERM')).toBe(0);
    expect(isThere(stopped)).toBe(false);
    expect(first.service.output()).not.toMatch(/error|warn/i);

    const second = await start({ DATA_DIR });
    const task = await second.done(id);
    expect(task).toMatchObject({ attempt: 2, stallCount: 0, retryCount: 0 });
    expect(readdirSync(second.root)).toEqual(['.taskmanager', 'a']);
    await second.stop('SIGKILL');
    await until(() => (isThere(pidOf(task)) ? undefined : true));
    rmSync(DATA_DIR, { recursive: true, force: true });
  });

  it('stay off when their own settings are wrong', async () => {
    const { service, stop } = await start({ WORKER_CONCURRENCY: 'many' });
    await until(() => (/The workers are off/.test(service.output()) ? true : undefined));
    expect(service.output()).toContain('WORKER_CONCURRENCY is "many"; allowed: a whole number');
    await stop();
    service.forget();
  });
});

describe('npm run workers', () => {
  const run = (variables: Variables, ...args: string[]) => {
    const child = spawn(process.execPath, [WORKERS, ...args], {
      env: { PATH: process.env['PATH'], ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const exit = once(child, 'close').then(([code]) => code as number | null);
    return { child, exit, output: () => output };
  };

  it('ends when the service that started it is gone before it has begun', async () => {
    const roots = mkdtempSync(join(tmpdir(), 'workers-'));
    const TASKMANAGER_URL = `tcp://127.0.0.1:${await freePort()}`;
    const child = spawn(process.execPath, [WORKERS], {
      env: { PATH: process.env['PATH'], TASKMANAGER_URL, WORKER_ROOTS: roots },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.disconnect();
    const limit = setTimeout(() => child.kill('SIGKILL'), 15_000);
    expect(await once(child, 'exit')).toEqual([0, null]);
    clearTimeout(limit);
    rmSync(roots, { recursive: true, force: true });
  });

  it('prints its settings', async () => {
    const { exit, output } = run({}, '--help');
    expect(await exit).toBe(0);
    expect(output()).toMatch(/WORKER_ROOTS[\s\S]*default \.\/data\/work/);
  });

  it.each<[Variables, string]>([
    [
      { WORKER_TYPES: 'mine_bitcoin' },
      'WORKER_TYPES is "mine_bitcoin"; allowed: some of clone_rep',
    ],
    [{ PATH: '/nowhere' }, 'There is no git that could be run'],
  ])('says in one line what is wrong: %p', async (variables, words) => {
    const { exit, output } = run(variables);
    expect(await exit).toBe(2);
    expect(output()).toContain(words);
    expect(output().trim().split('\n')).toHaveLength(1);
  });

  it('waits for a service that is not there yet, and ends with SIGTERM all the same', async () => {
    const roots = mkdtempSync(join(tmpdir(), 'workers-'));
    const TASKMANAGER_URL = `tcp://127.0.0.1:${await freePort()}`;
    const { child, exit, output } = run({ TASKMANAGER_URL, WORKER_ROOTS: roots });
    await until(() => (output().includes('Waiting for it') ? true : undefined));
    expect(output()).toContain(`below    ${roots}`);
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    rmSync(roots, { recursive: true, force: true });
  });
});
