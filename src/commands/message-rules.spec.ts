import { describe, expect, test } from '@jest/globals';
import { LIMITS } from '@taskmanager/protocol';
import { validateSync } from 'class-validator';
import { ClaimTasks } from './claim-tasks.command.js';
import { CleanupTasks } from './cleanup-tasks.command.js';
import { COMMAND_MESSAGES } from './command-messages.js';
import { CompleteTask } from './complete-task.command.js';
import { CreateTask } from './create-task.command.js';
import { FailTask } from './fail-task.command.js';
import { RenewLease } from './renew-lease.command.js';
import { RequestApproval } from './request-approval.command.js';
import { StartTask } from './start-task.command.js';
import { UpdateTaskData } from './update-task-data.command.js';
import { UpdateTaskProgress } from './update-task-progress.command.js';
import { UpdateTaskStatus } from './update-task-status.command.js';

const id = '0190a5a0-0000-7000-8000-000000000001';

/** Every rule that is broken, as `field` or, past a size, `field too large`. */
function broken(message: new () => object, fields: object): string[] {
  const errors = validateSync(Object.assign(new message(), fields), {
    whitelist: true,
    forbidNonWhitelisted: true,
  });
  return errors.map(({ property, constraints = {}, contexts = {} }) => {
    const codes = Object.keys(constraints).map(
      (rule) => (contexts as Record<string, { code: string } | undefined>)[rule]?.code,
    );
    const tooLarge = codes.every((code) => code === 'PAYLOAD_TOO_LARGE');
    return tooLarge ? `${property} too large` : property;
  });
}

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
/** JSON text of exactly so many bytes, quotes included. */
const payload = (bytes: number): string => 'x'.repeat(bytes - 2);
const named = { name: 'n', taskType: 'publish', appName: 'app' };

describe('create_task', () => {
  test('needs a name, a type and an app, and nothing else', () => {
    expect(broken(CreateTask, named)).toEqual([]);
    expect(broken(CreateTask, {}).sort()).toEqual(['appName', 'name', 'taskType']);
  });

  test.each<[string, unknown[], unknown[]]>([
    ['id', [id, '5f0c954c-1111-4111-8111-111111111111'], ['', 'x', 7, null]],
    ['name', ['x'.repeat(500), '\u{1F980}'.repeat(250)], ['', 'x'.repeat(501), 1, null]],
    [
      'taskType',
      ['a', 'clone_repository', 'a'.repeat(64)],
      ['A', '1a', 'a-b', 'a'.repeat(65), 'a\n', ['a']],
    ],
    ['appName', ['x'.repeat(128)], ['', 'x'.repeat(129), {}]],
    ['runBy', ['app', 'worker'], ['App', null]],
    ['persistent', [true, false], ['true', 1, null]],
    ['maxRetries', [0, 1_000], [-1, 1_001, 1.5, '3']],
    ['retryDelayMs', [0, LIMITS.durationMs], [-1, LIMITS.durationMs + 1, 0.5, NaN]],
    [
      'backoff',
      [{ type: 'fixed' }, { type: 'exponential', maxDelayMs: 0 }],
      [
        {},
        { type: 'linear' },
        { type: 'fixed', maxDelayMs: -1 },
        { type: 'fixed', more: 1 },
        [],
        null,
        'fixed',
      ],
    ],
    ['priority', [-1_000_000, 0, 1_000_000], [1_000_001, 0.5, '0']],
    ['labels', [{}, { a: 'b' }], [{ a: 1 }, { a: null }, [], 'a', null]],
    [
      'timeouts',
      [{}, { queueMs: 1, runMs: 1, totalMs: 1 }],
      [{ runMs: 0 }, { runMs: '1' }, { runMS: 1 }, null],
    ],
    ['runAt', [0, 8.64e15], [-1, 8.64e15 + 2, '2024-01-01']],
    ['idempotencyKey', ['k', 'k'.repeat(256)], ['', 'k'.repeat(257), 1]],
    ['data', [null, 0, false, '', [], {}], []],
  ])('%s', (field, good, bad) => {
    for (const value of good) expect(broken(CreateTask, { ...named, [field]: value })).toEqual([]);
    for (const value of bad) {
      expect([value, broken(CreateTask, { ...named, [field]: value })]).toEqual([value, [field]]);
    }
  });

  test('variation selectors count like any other character', () => {
    expect(broken(CreateTask, { ...named, name: 'n'.padEnd(1_000, '\ufe0f') })).toEqual(['name']);
  });

  test('has a limit for labels: how many, and how long', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 'v']));
    expect(broken(CreateTask, { ...named, labels: many(32) })).toEqual([]);
    const long = 'x'.repeat(129);
    for (const labels of [many(33), { [long]: 'v' }, { k: long }]) {
      expect(broken(CreateTask, { ...named, labels })).toEqual(['labels too large']);
    }
  });
});

describe('payloads', () => {
  test.each([
    [CreateTask, 'data', named],
    [CreateTask, 'input', named],
    [UpdateTaskData, 'data', { id }],
    [CompleteTask, 'result', { id }],
    [UpdateTaskStatus, 'result', { id, status: 'completed' }],
    [RequestApproval, 'result', { id }],
    [RenewLease, 'checkpoint', { id, workerId: 'w', leaseEpoch: 1 }],
  ] as const)('%p: %s', (message, field, others) => {
    const check = (value: unknown) => broken(message, { ...others, [field]: value });
    expect(check(payload(LIMITS.payloadBytes))).toEqual([]);
    expect(check(payload(LIMITS.payloadBytes + 1))).toEqual([`${field} too large`]);
    expect(check('é'.repeat(LIMITS.payloadBytes / 2))).toEqual([`${field} too large`]);
    expect(check(nested(100))).toEqual([]);
    expect(check(nested(101))).toEqual([field]);
    expect(check(nested(50_000))).toEqual([field]);
    expect(check(JSON.parse('{"__proto__":1}'))).toEqual([]);
  });

  test('a number that no double holds is refused, for it would be stored as null', () => {
    expect(broken(UpdateTaskData, { id, data: JSON.parse('[1e400]') as unknown })).toEqual([
      'data',
    ]);
    expect(broken(UpdateTaskData, { id, data: 1e308 })).toEqual([]);
  });

  test('update_task_data needs one', () => {
    expect(broken(UpdateTaskData, { id })).toEqual(['data']);
  });
});

describe('texts', () => {
  test('an error says something, in at most 8 KiB of UTF-8', () => {
    const check = (error: unknown) => broken(FailTask, { id, error });
    expect(check('x'.repeat(LIMITS.textBytes))).toEqual([]);
    expect(check('é'.repeat(LIMITS.textBytes / 2))).toEqual([]);
    expect(check('é'.repeat(LIMITS.textBytes / 2 + 1))).toEqual(['error too large']);
    for (const value of ['', undefined, null, 5]) expect(check(value)).toEqual(['error']);
  });
});

describe('numbers, times and lists', () => {
  test.each([0, 5, Number.MAX_SAFE_INTEGER])('%d items may be done', (count) => {
    const items = { completedItems: count, totalItems: count };
    expect(broken(UpdateTaskProgress, { id, ...items })).toEqual([]);
  });

  test.each([-1, 0.5, 1e300, '1', null])('%p items may not', (count) => {
    expect(broken(UpdateTaskProgress, { id, totalItems: count })).toEqual(['totalItems']);
    expect(broken(UpdateTaskProgress, { id, completedItems: count })).toEqual(['completedItems']);
  });

  test('progress is a percentage', () => {
    for (const progress of [0, 33.3, 100]) {
      expect(broken(UpdateTaskProgress, { id, progress })).toEqual([]);
    }
    for (const progress of [-0.1, 100.1, NaN, Infinity, '5']) {
      expect(broken(UpdateTaskProgress, { id, progress })).toEqual(['progress']);
    }
  });

  test('a lease lasts from a second to a day', () => {
    for (const leaseMs of [1_000, 86_400_000]) {
      expect(broken(StartTask, { id, workerId: 'w', leaseMs })).toEqual([]);
    }
    for (const leaseMs of [999, 86_400_001, 1_000.5]) {
      expect(broken(StartTask, { id, workerId: 'w', leaseMs })).toEqual(['leaseMs']);
    }
  });

  test('a claim names its types, and waits and takes only so much', () => {
    const wish = { workerId: 'w', taskTypes: ['a'] };
    expect(broken(ClaimTasks, { ...wish, limit: 100, waitMs: 30_000 })).toEqual([]);
    for (const taskTypes of [[], ['A'], 'a', ['a', 1], Array(101).fill('a')]) {
      expect(broken(ClaimTasks, { ...wish, taskTypes })).toEqual(['taskTypes']);
    }
    expect(broken(ClaimTasks, { ...wish, limit: 101 })).toEqual(['limit']);
    expect(broken(ClaimTasks, { ...wish, limit: 0 })).toEqual(['limit']);
    expect(broken(ClaimTasks, { ...wish, waitMs: 30_001 })).toEqual(['waitMs']);
  });

  test('approvers are names', () => {
    expect(broken(RequestApproval, { id, approvers: ['bob', 'role:x'], quorum: 2 })).toEqual([]);
    for (const approvers of ['bob', [''], [1], ['x'.repeat(257)], Array(101).fill('a')]) {
      expect(broken(RequestApproval, { id, approvers })).toEqual(['approvers']);
    }
    expect(broken(RequestApproval, { id, quorum: 0 })).toEqual(['quorum']);
    expect(broken(RequestApproval, { id, onApproved: 'delete' })).toEqual(['onApproved']);
  });

  test('only what has ended is cleaned up', () => {
    expect(broken(CleanupTasks, { statuses: ['completed', 'failed', 'cancelled'] })).toEqual([]);
    for (const statuses of [[], ['running'], ['deleted'], 'completed']) {
      expect(broken(CleanupTasks, { statuses })).toEqual(['statuses']);
    }
  });

  test('nobody asks for deleted as a status', () => {
    expect(broken(UpdateTaskStatus, { id, status: 'deleted' })).toEqual(['status']);
    expect(broken(UpdateTaskStatus, { id, status: 'done' })).toEqual(['status']);
  });
});

describe('every message', () => {
  test.each(COMMAND_MESSAGES.map((message) => [message.message, message] as const))(
    '%s refuses fields that it does not know',
    (_, message) => {
      expect(broken(message, { surprise: 1 })).toContain('surprise');
    },
  );
});
