import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClaimAnswer, CommandAnswer } from '@taskmanager/protocol';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Service, startService } from './service.js';
import { RawTcp } from './transport-raw.js';

/** Commands that name no task, sent again with the same id after the service was restarted. */
describe('A command sent again after a restart', () => {
  let folder: string;
  let service: Service;
  let client: RawTcp;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sent-again-'));
    await start();
  });
  afterEach(async () => {
    await stop();
    rmSync(folder, { recursive: true });
  });

  async function start(): Promise<void> {
    service = await startService({ DATA_DIR: folder });
    client = await RawTcp.connect(service.port);
  }
  async function stop(): Promise<void> {
    await client.end();
    await service.close();
  }

  const command = <T = CommandAnswer>(name: string, fields: object) =>
    client.ok<T>(`tasks.command.${name}`, fields);
  const create = async (fields: object = {}) => {
    const named = { id: randomUUID(), name: 'n', taskType: 'clone', appName: 'app' };
    return (await command('create_task', { ...named, ...fields })).taskId;
  };
  /** The newest event of the log is none of a task: the view has to get past it all the same. */
  const refuse = (id: string) => client.refused('tasks.command.approve_task', { id });

  it('resumes no second task', async () => {
    const [older, newer] = [await create(), await create()];
    for (const id of [older, newer]) await command('pause_task', { id });
    const meta = {
      commandId: randomUUID(),
      after: (await command('start_task', { id: await create() })).position,
    };
    const first = await command('resume_last_paused_task', { meta });
    expect(first.taskId).toBe(newer);
    await stop();
    await start();
    await refuse(older);
    const again = await command('resume_last_paused_task', { meta: { ...meta, retry: true } });
    expect(again).toEqual({ ...first, repeated: true });
  });

  it('claims no second task', async () => {
    const wish = { workerId: 'w', taskTypes: ['clone'] };
    const id = await create({ runBy: 'worker' });
    const { position } = await command('pause_task', { id: await create() });
    const meta = { commandId: randomUUID(), after: position };
    const first = await command<ClaimAnswer>('claim_tasks', { ...wish, meta });
    expect(first.tasks).toMatchObject([{ id }]);
    await stop();
    await start();
    await create({ runBy: 'worker', priority: 9 });
    await refuse(id);
    const again = await command<ClaimAnswer>('claim_tasks', {
      ...wish,
      meta: { ...meta, retry: true },
    });
    expect(again).toEqual(first);
  });
});
