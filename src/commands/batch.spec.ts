import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { BatchAnswer } from '@taskmanager/protocol';
import { withContext } from '../context/index.js';
import { contextFor } from '../../test/given.js';
import { Batch } from './batch.command.js';
import { CreateTask } from './create-task.command.js';
import { PauseTask } from './pause-task.command.js';
import { StartTask } from './start-task.command.js';
import { bus, newService, prepared } from './filter-commands.fixture.js';

describe('batch', () => {
  beforeEach(newService);

  const toError = (error: unknown) => ({
    code: (error as { code: 'INTERNAL' }).code,
    message: 'refused',
    correlationId: 'c',
  });
  const batch = (entries: Batch['entries']) =>
    bus.execute<Batch, BatchAnswer>(withContext(new Batch(entries, toError), contextFor()));

  test('decides one by one, in order for each task, and answers in order', async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    const named = { name: 'n', taskType: 'index', appName: 'app' };
    const error = { code: 'VALIDATION_FAILED', message: 'bad', correlationId: 'c' } as const;
    const { results } = await batch([
      { message: prepared(CreateTask, { id: one, ...named }) },
      { message: prepared(StartTask, { id: one }) },
      { error },
      { message: prepared(StartTask, { id: two }) },
      { message: prepared(CreateTask, { id: two, ...named }) },
      { message: prepared(PauseTask, { id: one }) },
    ]);
    expect(results).toMatchObject([
      { ok: { taskId: one, status: 'pending', revision: 0 } },
      { ok: { taskId: one, status: 'running', revision: 1 } },
      { error },
      { error: { code: 'TASK_NOT_FOUND' } },
      { ok: { taskId: two, status: 'pending', revision: 0 } },
      { ok: { taskId: one, status: 'paused', revision: 2 } },
    ]);
  });
});
