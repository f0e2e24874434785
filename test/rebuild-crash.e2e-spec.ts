import { expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from './crash/random.js';
import { rebuildRounds } from './crash/rebuild-rounds.js';
import { doneJob } from './job-done.js';
import { spawnService } from './service.js';

const KILL_AT = fileURLToPath(new URL('crash/kill-at.mjs', import.meta.url));

/**
 * kill -9 in the middle of a rebuild. CRASH_ROUNDS, CRASH_SEED and REBUILD_TASKS set how often, from which
 * seed, and of how many tasks: `node scripts/crash.mjs --rebuild --rounds 10`.
 */
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 2);
const tasks = Number(process.env['REBUILD_TASKS'] ?? 800);
const seed = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

it(
  'changes nothing to be killed in the middle of a rebuild, which goes on',
  async () => {
    const { kills, lives, problems } = await rebuildRounds(rounds, tasks, new Random(seed));
    process.stdout.write(
      `rebuild crash: seed ${seed}, ${tasks} tasks, kills ${JSON.stringify(kills)}, ` +
        `rebuilds in so many lives: ${lives.join(', ')}; problems: ${problems.length}\n`,
    );
    expect(problems.slice(0, 20)).toEqual([]);
    expect(lives.length).toBeGreaterThan(0);
  },
  120_000 + rounds * 60_000,
);

it('builds nothing again when it was killed right after a swap', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmanager-swap-'));
  const start = async (kill: string) => {
    const service = await spawnService({
      DATA_DIR: dataDir,
      PROCESSOR_LEASE_MS: '1000',
      NODE_OPTIONS: `--import ${KILL_AT}`,
      KILL_AT: kill,
    });
    const { port } = service;
    return { service, client: await TaskManager.connect({ transport: 'tcp', port }) };
  };
  /** Rebuilds until it dies of it, which may be sooner than the answer. */
  const swap = async (
    projection: string,
    { service, client }: Awaited<ReturnType<typeof start>>,
  ) => {
    const died = once(service.child, 'exit');
    const asked = client.admin.rebuildProjection(projection).catch(() => undefined);
    await died;
    await client.close({ waitMs: 0 });
    await asked;
  };
  /** The job that was begun last, once it is done. */
  const done = async ({ client }: Awaited<ReturnType<typeof start>>) => {
    const { jobs } = await client.admin.listJobs({ limit: 1 });
    return doneJob<'rebuild_projection'>(client, jobs[0]!.jobId);
  };
  let life = await start('swap audit 1 after');
  try {
    await life.client.createTask('one', 'publish', 'app');
    // The audit serves: it has to be there to be built anew.
    await life.client.admin.logStats();
    await swap('audit', life);
    life = await start('swap tasks 1 after');
    const audit = await done(life);
    await swap('tasks', life);
    life = await start('');
    const tasks = await done(life);
    expect([audit, tasks]).toMatchObject([
      { projection: 'audit', generation: 2, kept: 1, ok: true },
      { projection: 'tasks', generation: 2, kept: 1, ok: true },
    ]);
    expect(readdirSync(dataDir).filter((name) => /^audit-\d+\.db$/.test(name))).toEqual([
      'audit-1.db',
      'audit-2.db',
    ]);
    await life.client.close();
    await life.service.stop();
  } finally {
    life.service.child.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  }
}, 60_000);
