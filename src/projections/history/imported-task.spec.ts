import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ExplainAnswer, TaskInfo } from '@taskmanager/protocol';
import { created, TASK_ID } from '../../../test/given.js';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import {
  EMPTY_CHAIN,
  encodeEvent,
  importedStream,
  IMPORTS_STREAM,
  TaskImported,
  type TaskEvent,
  taskStream,
} from '../../events/index.js';
import { ExplainTask } from '../tasks/explain-task.query.js';
import { GetTask } from '../tasks/get-task.query.js';
import { message, temporaryFolder, Views } from '../views.fixture.js';

describe('An imported task of another app', () => {
  const folder = temporaryFolder();
  const log = new MemoryEventLog();
  let views: Views;

  /** @param chained the name under which it is hashed */
  async function append(stream: string, event: TaskEvent, chained = stream): Promise<void> {
    const { text } = encodeEvent(EMPTY_CHAIN, chained, TASK_ID, event, {
      ...{ timestamp: 1, actor: { id: 'eve', roles: [], verified: true }, commandId: TASK_ID },
      ...{ $correlationId: 'c', $causationId: 'c', transport: 'tcp', attempt: 0 },
      ...{ taskType: 'publish', appName: 'registry', status: 'pending' },
    });
    await log.append(stream, 'no_stream', [text]);
  }

  beforeAll(async () => {
    await append(importedStream(TASK_ID, 1), created(), taskStream(TASK_ID));
    const counts = { events: 1, refusals: 0, head: '0'.repeat(64) };
    const imported = new TaskImported({ taskId: TASK_ID, fromLog: '0000abcd', ...counts });
    await append(IMPORTS_STREAM, imported);
    views = await Views.over(log, folder.path('views.db'));
  });
  afterAll(async () => {
    await views.close();
    folder.remove();
  });

  it.each([
    ['get_task', () => message(GetTask, { id: TASK_ID })],
    ['explain_task', () => message(ExplainTask, { id: TASK_ID })],
  ])('is not found by %s, which reads nothing of it', async (_, query) => {
    const seen = await views.ask<TaskInfo | ExplainAnswer>(query(), { apps: ['registry'] });
    expect(seen.status).toBe('pending');
    const reads = jest.spyOn(log, 'readStream');
    const asked = views.ask(query(), { apps: ['bakery'] });
    await expect(asked).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
    const streams = reads.mock.calls.map(([stream]) => stream);
    reads.mockRestore();
    expect(streams).not.toContain(importedStream(TASK_ID, 1));
  });
});
