import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import type { JobAnswer } from '@taskmanager/protocol';
import Database from '@taskmanager/sqlite-driver';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { doneJob } from './job-done.js';
import { type ServiceProcess, spawnService } from './service.js';

/** Long enough for both to have looked who rebuilds, short enough for them to wait, milliseconds. */
const HELD_MS = 120;
/** A rebuild mostly takes longer than the loser may sleep before it looks again, some 100 ms. */
const TASKS = 2_000;
/** Where it does not, one is over before the other begins: then both are asked again, so often. */
const ROUNDS = 5;
const LIMIT_MS = 120_000;

/** Two processes on one data folder that are asked for a rebuild in the same instant. */
describe('Two rebuilds of one projection', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmanager-two-rebuilds-'));
  const services: ServiceProcess[] = [];
  const clients: TaskManager[] = [];

  beforeAll(async () => {
    for (let n = 0; n < 2; n++) {
      const service = await spawnService({ DATA_DIR: dataDir });
      services.push(service);
      const { port } = service;
      clients.push(await TaskManager.connect({ transport: 'tcp', port, appName: 'app' }));
    }
    const create = (n: number) => clients[n % 2]!.createTask(`task ${n}`, 'publish');
    await Promise.all(Array.from({ length: TASKS }, (_, n) => create(n)));
    // Both serve what is to be built anew.
    for (const client of clients) await client.admin.logStats();
  }, LIMIT_MS);
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(services.map((service) => service.stop()));
    rmSync(dataDir, { recursive: true, force: true });
  });

  it.each(['tasks', 'audit'])(
    'of %s: one is made, the other is refused',
    async (projection) => {
      let answers = await bothAsked(projection);
      for (let round = 1; begunIn(answers).length > 1 && round < ROUNDS; round++) {
        for (const { jobId } of begunIn(answers)) await doneJob(clients[0]!, jobId);
        await clients[0]!.admin.dropProjectionBuilds(projection);
        answers = await bothAsked(projection);
      }
      expect(begunIn(answers)).toHaveLength(1);
      const { jobId } = begunIn(answers)[0]!;
      expect(answers).toContainEqual({
        status: 'rejected',
        reason: expect.objectContaining({ code: 'CONFLICT', details: { jobId } }),
      });
      const { generation, ...report } = await doneJob<'rebuild_projection'>(clients[0]!, jobId);
      expect(report).toMatchObject({ kept: expect.any(Number), ok: true });
      expect(await doneJob(clients[1]!, jobId)).toEqual({ generation, ...report });
      for (const client of clients) {
        // The other process may still serve the old build.
        await client.admin.dropProjectionBuilds(projection);
        const { jobId: verifying } = await client.admin.verifyProjection(projection);
        expect(await doneJob(client, verifying)).toMatchObject({ generation, ok: true });
      }
    },
    LIMIT_MS,
  );

  /** Neither can write down that it rebuilds before both have been asked. */
  async function bothAsked(projection: string): Promise<PromiseSettledResult<JobAnswer>[]> {
    const views = new Database(join(dataDir, 'views.db'));
    views.exec('BEGIN IMMEDIATE');
    const asked = Promise.allSettled(clients.map((client) => rebuild(client, projection)));
    await sleep(HELD_MS);
    views.exec('ROLLBACK');
    views.close();
    return asked;
  }
});

const begunIn = (answers: readonly PromiseSettledResult<JobAnswer>[]): JobAnswer[] =>
  answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));

/** Asks again while the file is held for longer than a service waits for it. */
async function rebuild(client: TaskManager, projection: string): Promise<JobAnswer> {
  for (;;) {
    try {
      return await client.admin.rebuildProjection(projection);
    } catch (error) {
      if ((error as { code?: string }).code !== 'UNAVAILABLE') throw error;
    }
  }
}
