import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Refusal } from '../context/index.js';
import { LogUnavailable } from '../event-store/index.js';
import { MemoryEventLog, MemoryLogStorage } from '../event-store/memory/index.js';
import { type EventMetadata, refusalStream } from '../events/index.js';
import {
  ALICE,
  BOB,
  NOW,
  TASK_ID,
  contextFor,
  created,
  intactStream,
  replica,
  taskAfter,
} from '../../test/given.js';
import { CompleteTask } from './complete-task.command.js';
import { CompleteTaskHandler } from './complete-task.handler.js';
import { RefusalRecorder } from './refusal-recorder.js';

const STREAM = refusalStream(TASK_ID);
const task = taskAfter(created());
const refusal = new Refusal('INVALID_TRANSITION', 'Not now.');

let storage: MemoryLogStorage;
let log: MemoryEventLog;
let recorder: RefusalRecorder;

beforeEach(() => {
  storage = new MemoryLogStorage();
  log = new MemoryEventLog(storage);
  recorder = new RefusalRecorder(log);
});

const refuse = (overrides: Parameters<typeof contextFor>[0] = {}, by = recorder) =>
  by.record(task, 'complete_task', contextFor({ commandId: randomUUID(), ...overrides }), refusal);

test('what is refused is written beside the task, without the payload', async () => {
  const service = replica(log);
  await service.create();
  const secret = { result: 'secret' };
  await expect(service.send(CompleteTask, CompleteTaskHandler, secret)).rejects.toThrow(Refusal);
  const [recorded] = await intactStream(log, STREAM);
  expect(recorded?.type).toBe('CommandRefused');
  expect(JSON.parse(recorded?.data ?? '')).toEqual({
    command: 'complete_task',
    actor: ALICE,
    code: 'INVALID_TRANSITION',
    reason: expect.stringContaining(TASK_ID),
  });
  expect(recorded?.data).not.toContain('secret');
  expect(await intactStream(log)).toHaveLength(1);
});

describe('only some refusals are written down', () => {
  test.each([
    ['INVALID_TRANSITION', 1],
    ['LEASE_LOST', 1],
    ['FORBIDDEN', 1],
    ['VALIDATION_FAILED', 0],
    ['CONFLICT', 0],
  ] as const)('%s: %d', async (code, count) => {
    await recorder.record(task, 'fail_task', contextFor(), new Refusal(code, 'No.'));
    expect(await intactStream(log, STREAM)).toHaveLength(count);
  });

  test('not those of candidates and of the service itself', async () => {
    await refuse({ candidate: true });
    await refuse({ transport: 'internal' });
    expect(await intactStream(log, STREAM)).toHaveLength(0);
  });

  test('not those about tasks that do not exist', async () => {
    const sent = replica(log).send(CompleteTask, CompleteTaskHandler, {});
    await expect(sent).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
    expect(await log.head()).toBeUndefined();
  });
});

describe('limits', () => {
  test('ten a second for each sender', async () => {
    for (let n = 0; n < 15; n++) await refuse();
    expect(await intactStream(log, STREAM)).toHaveLength(10);
    await refuse({ actor: BOB });
    await refuse({ now: NOW + 999 });
    expect(await intactStream(log, STREAM)).toHaveLength(11);
    await refuse({ now: NOW + 1_000 });
    expect(await intactStream(log, STREAM)).toHaveLength(12);
  });

  test('a thousand for each task, then one word that more were omitted', async () => {
    for (let n = 0; n < 1_005; n++) await refuse({ now: NOW + n * 1_000 });
    await refuse({ now: NOW + 2_000_000 }, new RefusalRecorder(log));
    const events = await intactStream(log, STREAM);
    expect(events).toHaveLength(1_001);
    expect(events.at(-2)?.type).toBe('CommandRefused');
    expect(events.at(-1)).toMatchObject({ type: 'RefusalsOmitted', data: '{"recorded":1000}' });
  });
});

describe('the chain', () => {
  test('goes on after a restart, and its times never step back', async () => {
    await refuse({ now: NOW + 5_000 });
    await refuse({}, new RefusalRecorder(log));
    const times = (await intactStream(log, STREAM)).map(
      ({ metadata }) => (JSON.parse(metadata) as EventMetadata).timestamp,
    );
    expect(times).toEqual([NOW + 5_000, NOW + 5_000]);
  });

  test('is one, though two processes write to it', async () => {
    const other = new RefusalRecorder(new MemoryEventLog(storage));
    for (let n = 0; n < 6; n++) await refuse({}, n % 2 ? recorder : other);
    expect(await intactStream(log, STREAM)).toHaveLength(6);
  });

  test('stays whole when one refusal is written twice', async () => {
    const other = new RefusalRecorder(new MemoryEventLog(storage));
    const commandId = randomUUID();
    await refuse();
    await refuse({ commandId }, other);
    await refuse({ commandId, now: NOW + 9 });
    await refuse({ now: NOW + 11 });
    expect(await intactStream(log, STREAM)).toHaveLength(3);
  });
});

test('a log that is away does not stand in the way of the answer', async () => {
  class Away extends MemoryEventLog {
    override async append(): Promise<never> {
      throw new LogUnavailable('disk full', false);
    }
  }
  await expect(refuse({}, new RefusalRecorder(new Away()))).resolves.toBeUndefined();
});

test('what is told in the log stays one line, whoever sends it', async () => {
  const debug = jest.spyOn(Logger.prototype, 'debug').mockImplementation(() => undefined);
  await refuse({ actor: { ...ALICE, id: 'alice"\nINFO all is well \u001b[2J' } });
  const line = String(debug.mock.calls[0]?.[0]);
  debug.mockRestore();
  expect(line).toContain('of "alice\\"\\nINFO all is well \\u001b[2J" refused');
  expect(line).not.toMatch(/\p{Cc}/u);
});
