import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClaimAnswer, CommandAnswer, HistoryPage, TaskInfo } from '@taskmanager/protocol';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Service, startService, type Variables } from './service.js';
import { RawTcp } from './transport-raw.js';

const LEASE_MS = 1_000;
const LONG = 30_000;

/** Leases when somebody is away: the caller of a claim, or the service itself. */
describe('A lease', () => {
  let folder: string;
  let service: Service;
  let client: RawTcp;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'leases-'));
    await start();
  });
  afterEach(async () => {
    await stop();
    rmSync(folder, { recursive: true });
  });

  async function start(variables: Variables = {}): Promise<void> {
    service = await startService({ DATA_DIR: folder, PROCESSOR_LEASE_MS: '500', ...variables });
    client = await RawTcp.connect(service.port);
  }
  async function stop(): Promise<void> {
    await client.end();
    await service.close();
  }

  const command = <T = CommandAnswer>(name: string, fields: object) =>
    client.ok<T>(`tasks.command.${name}`, fields);
  const create = async () => {
    const fields = { name: 'n', taskType: 'clone', appName: 'app', runBy: 'worker' };
    return (await command('create_task', { id: randomUUID(), ...fields })).taskId;
  };
  const wish = (workerId: string, fields: object = {}) => ({
    ...{ workerId, taskTypes: ['clone'], leaseMs: LEASE_MS, waitMs: LONG },
    ...fields,
  });
  const claim = (workerId: string, fields: object = {}) =>
    command<ClaimAnswer>('claim_tasks', wish(workerId, fields));
  const get = (id: string) => client.ok<TaskInfo>('tasks.query.get_task', { id });
  /** The task once it is so; the view may not have it at first. */
  const until = async (id: string, isSo: (task: TaskInfo) => boolean): Promise<TaskInfo> => {
    for (const from = performance.now(); performance.now() - from < 15_000; await delay(20)) {
      const { response, err } = await client.request('tasks.query.get_task', { id });
      if (!err && isSo(response as TaskInfo)) return response as TaskInfo;
    }
    throw new Error(`It stays as it is: ${JSON.stringify(await get(id))}`);
  };

  it('of a claim whose answer was lost gives no stall: the next worker gets the task', async () => {
    const deaf = await RawTcp.connect(service.port);
    deaf.socket.pause();
    deaf.ok('tasks.command.claim_tasks', wish('deaf')).catch(() => undefined);
    const id = await create();
    expect(await until(id, ({ status }) => status === 'running')).toMatchObject({
      workerId: 'deaf',
      leaseEpoch: 1,
    });
    deaf.socket.destroy();
    const { tasks } = await claim('next');
    expect(tasks).toMatchObject([
      { id, workerId: 'next', leaseEpoch: 2, attempt: 2, stallCount: 0, retryCount: 0 },
    ]);
    const { events } = await client.ok<HistoryPage>('tasks.query.get_task_history', { id });
    expect(events.map(({ type }) => type)).toEqual([
      'TaskCreated',
      'TaskStarted',
      'TaskLeaseExpired',
      'TaskStarted',
    ]);
    expect(events[2]?.data).toMatchObject({ stallCount: 0 });
  });

  it('that ran out while the service was away is renewed by a worker that lives, and ends for one that does not', async () => {
    const ids = [await create(), await create()];
    const held = [...(await claim('a')).tasks, ...(await claim('b')).tasks];
    const [alive, dead] = held.map(({ id, workerId, leaseEpoch }) => ({
      id,
      workerId,
      leaseEpoch,
    }));
    for (const lease of [alive, dead]) {
      await command('update_task_progress', { ...lease, progress: 1 });
    }
    const { leaseExpiresAt = 0 } = await get(dead!.id);
    await stop();
    while (Date.now() <= leaseExpiresAt) await delay(20);
    await start({ LEASE_GRACE_MS: '800' });
    await command('renew_lease', { ...alive, leaseMs: LONG });
    const lost = await until(dead!.id, ({ status }) => status === 'pending');
    expect(lost).toMatchObject({ stallCount: 1 });
    expect(await get(alive!.id)).toMatchObject({ status: 'running', leaseEpoch: 1, stallCount: 0 });
    expect((await command('complete_task', { ...alive })).status).toBe('completed');
    expect(ids).toContain(lost.id);
  });
});
