import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ExportedEvent, type ExportPage, LIMITS } from '@taskmanager/protocol';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import {
  CommandRefused,
  EMPTY_CHAIN,
  encodeEvent,
  refusalStream,
  TaskDataUpdated,
} from '../../events/index.js';
import { TaskLog } from '../task-log.fixture.js';
import { message, temporaryFolder, Views } from '../views.fixture.js';
import { ExportTask } from './export-task.query.js';

describe('export_task', () => {
  const folder = temporaryFolder();
  const tasks = new TaskLog(new MemoryEventLog());
  let views: Views;
  let id: string;

  beforeAll(async () => {
    views = await Views.over(tasks.log, folder.path('views.db'));
    id = await tasks.create({ appName: 'shop' });
    for (let n = 0; n < 20; n++) await tasks.append(id, new TaskDataUpdated({ data: { n } }));
    const data = 'x"\\'.repeat(30_000);
    for (let n = 0; n < 12; n++) await tasks.append(id, new TaskDataUpdated({ data }));
    const stream = refusalStream(id);
    const actor = { id: 'eve', roles: [], verified: true };
    const refused = new CommandRefused({
      command: 'pause_task',
      actor,
      code: 'FORBIDDEN',
      reason: '',
    });
    const { text } = encodeEvent(EMPTY_CHAIN, stream, id, refused, {
      ...{ timestamp: 1, actor, commandId: id, $correlationId: 'c', $causationId: 'c' },
      ...{ transport: 'tcp', taskType: 'publish', appName: 'shop' },
    });
    await tasks.log.append(stream, 'no_stream', [text]);
  });
  afterAll(async () => {
    await views.close();
    folder.remove();
  });

  const page = (fields: Partial<ExportTask>, apps?: string[]) =>
    views.ask<ExportPage>(message(ExportTask, { id, ...fields }), apps ? { apps } : {});

  it('tells all of a task and of its refusals, in pages of any size that fit into an answer', async () => {
    const whole = [
      ...(await tasks.log.readStream(`task-${id}`)),
      ...(await tasks.log.readStream(`refused-${id}`)),
    ].map(({ stream, revision, id: eventId, type, data, metadata }) => ({
      ...{ stream, revision: Number(revision), id: eventId, type, data, metadata },
    }));
    expect(whole).toHaveLength(34);
    for (const limit of [1, 7, 33, 34, undefined]) {
      const events: ExportedEvent[] = [];
      let cursor: string | undefined;
      do {
        const answer = await page({ limit, cursor });
        expect(answer).toMatchObject({ taskId: id, logId: tasks.log.logId });
        expect(answer.events.length).toBeLessThanOrEqual(limit ?? LIMITS.eventPage);
        expect(JSON.stringify(answer).length).toBeLessThan(LIMITS.answerBytes + 1_000);
        events.push(...answer.events);
        cursor = answer.nextCursor;
      } while (cursor !== undefined);
      expect(events).toEqual(whole);
    }
  });

  it('is not found by an actor of another app', async () => {
    await expect(page({}, ['bakery'])).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
    expect((await page({ limit: 1 }, ['shop'])).events).toHaveLength(1);
  });
});
