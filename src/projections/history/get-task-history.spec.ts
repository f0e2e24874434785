import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HistoryPage } from '@taskmanager/protocol';
import { v7 } from 'uuid';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import {
  ProgressUpdated,
  TaskDataUpdated,
  TaskDeleted,
  TaskStarted,
  taskStream,
} from '../../events/index.js';
import { TaskLog } from '../task-log.fixture.js';
import { message, temporaryFolder, Views } from '../views.fixture.js';
import { GetTaskHistory } from './get-task-history.query.js';

describe('get_task_history', () => {
  const folder = temporaryFolder();
  const tasks = new TaskLog(new MemoryEventLog());
  let views: Views;
  let id: string;

  beforeAll(async () => {
    views = await Views.over(tasks.log, folder.path('views.db'));
    id = await tasks.create();
    await tasks.append(id, new TaskStarted({ attempt: 1 }));
    for (let n = 0; n < 300; n++) await tasks.append(id, new ProgressUpdated({ progress: n / 3 }));
    await tasks.append(id, new TaskDeleted({ reason: 'done with it' }));
  });
  afterAll(async () => {
    await views.close();
    folder.remove();
  });

  const page = (fields: Partial<GetTaskHistory>, apps?: string[]) =>
    views.ask<HistoryPage>(message(GetTaskHistory, { id, ...fields }), apps ? { apps } : {});

  async function revisions(fields: Partial<GetTaskHistory>): Promise<number[]> {
    const found: number[] = [];
    let from = fields.fromRevision;
    do {
      const answer = await page({ ...fields, ...(from !== undefined && { fromRevision: from }) });
      found.push(...answer.events.map(({ revision }) => revision));
      from = answer.nextRevision;
    } while (from !== undefined);
    return found;
  }

  it('tells all of a task, deleted or not, in pages of any size and both directions', async () => {
    const all = Array.from({ length: 303 }, (_, n) => n);
    for (const limit of [1, 7, 100, 101, 303, 1_000]) {
      expect(await revisions({ limit })).toEqual(all);
      expect(await revisions({ limit, direction: 'backwards' })).toEqual([...all].reverse());
    }
    expect(await revisions({ fromRevision: 300 })).toEqual([300, 301, 302]);
    expect(await revisions({ fromRevision: 1, direction: 'backwards' })).toEqual([1, 0]);
    expect(await revisions({ fromRevision: 5_000 })).toEqual([]);
  });

  it('shows an event that was made unreadable as one, and those around it', async () => {
    const odd = await tasks.create();
    const [first] = await tasks.log.readStream(taskStream(odd));
    const append = (revision: bigint, data: string, metadata: string) =>
      tasks.log.append(taskStream(odd), revision, [
        { id: v7(), type: 'TaskPaused', data, metadata },
      ]);
    await append(0n, '{}', '{');
    await append(1n, 'no', first!.metadata);
    await append(2n, '{"reason":"x"}', first!.metadata);
    const { events } = await views.ask<HistoryPage>(message(GetTaskHistory, { id: odd }), {});
    expect(events.map(({ actor, at }) => [actor.id, at > 0])).toEqual([
      ['tester', true],
      ['unreadable', false],
      ['tester', true],
      ['tester', true],
    ]);
    expect(events[1]?.line).toContain('cannot be read');
  });

  it('shows nobody who is confined to apps a task whose app cannot be read', async () => {
    const odd = v7();
    const event = { id: v7(), type: 'TaskCreated', data: '{}', metadata: '{' };
    await tasks.log.append(taskStream(odd), 'no_stream', [event]);
    const ask = (apps?: string[]) =>
      views.ask<HistoryPage>(message(GetTaskHistory, { id: odd }), apps ? { apps } : {});
    await expect(ask(['app'])).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
    expect((await ask()).events).toHaveLength(1);
  });

  it('shows an event with everything that is stored', async () => {
    const { events } = await page({ fromRevision: 302 });
    const stored = tasks.stored.find(({ revision, taskId }) => taskId === id && revision === 302)!;
    expect(events).toEqual([
      {
        id: stored.id,
        type: 'TaskDeleted',
        version: 1,
        revision: 302,
        position: stored.position,
        at: stored.metadata.timestamp,
        actor: stored.metadata.actor,
        data: { reason: 'done with it' },
        metadata: stored.metadata,
        line: 'tester deleted it: done with it',
      },
    ]);
  });

  it('stops before the answer outgrows its bytes', async () => {
    const large = await tasks.create();
    for (let n = 0; n < 9; n++) {
      await tasks.append(large, new TaskDataUpdated({ data: 'x'.repeat(120_000) }));
    }
    const first = await page({ id: large });
    expect(first).toMatchObject({ nextRevision: 7 });
    expect(Buffer.byteLength(JSON.stringify(first))).toBeLessThan(768 * 1024);
    expect(await revisions({ id: large })).toHaveLength(10);
  });

  it('knows nothing of unknown tasks and those of other apps', async () => {
    const notFound = { code: 'TASK_NOT_FOUND' };
    await expect(page({ id: v7() })).rejects.toMatchObject(notFound);
    await expect(page({}, ['other'])).rejects.toMatchObject(notFound);
    expect((await page({}, ['app'])).events).toHaveLength(100);
  });
});
