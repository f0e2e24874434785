import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { formatPosition } from '@taskmanager/protocol';
import {
  ProgressUpdated,
  type StoredTaskEvent,
  TaskApprovalGiven,
  TaskApprovalRequested,
  TaskPaused,
  TaskRetried,
  decodeTaskEvent,
} from '../events/index.js';
import { NOW, TASK_ID, claimed, created, started, taskAfter } from '../../test/given.js';
import { evolve } from './evolve.js';
import { type Task, toTaskInfo } from './task.js';

const FOLDER = new URL('../../test/fixtures/events/', import.meta.url);

/** Every stored example of a task's event. */
const EXAMPLES: StoredTaskEvent[] = readdirSync(FOLDER)
  .map(
    (name) =>
      JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as {
        stream: string;
        revision: number;
        id: string;
        type: string;
        data: string;
        metadata: string;
      },
  )
  .filter(({ stream }) => stream.startsWith('task-'))
  .map((text) =>
    decodeTaskEvent({
      ...text,
      revision: BigInt(text.revision),
      position: formatPosition('0'.repeat(8), 1),
    }),
  );

const asSnapshot = (task: Task): Task => JSON.parse(JSON.stringify(task)) as Task;

describe('a state', () => {
  const states = () => [
    taskAfter(created()),
    taskAfter(created({ timeouts: { queueMs: 1, runMs: 2, totalMs: 3 } }), claimed()),
    taskAfter(created(), started(), new TaskPaused({ statusBefore: 'running', remaining: {} })),
    taskAfter(
      created(),
      claimed(),
      new TaskApprovalRequested({
        approvers: ['bob'],
        quorum: 2,
        allowSelf: false,
        onApproved: 'complete',
        result: 1,
      }),
      new TaskApprovalGiven({ by: 'bob' }),
    ),
  ];

  test.each(EXAMPLES.map((example) => [example.event.type, example] as const))(
    'kept as a snapshot takes %s as the state that it was made of',
    (_, example) => {
      for (const state of states()) {
        expect(evolve(asSnapshot(state), example)).toEqual(evolve(state, example));
      }
    },
  );

  test.each(EXAMPLES.map((example) => [example.event.type, example] as const))(
    'is not changed in place by %s',
    (_, example) => {
      for (const state of states()) {
        const before = structuredClone(state);
        evolve(state, example);
        expect(state).toEqual(before);
      }
    },
  );
});

test('a stream that does not start with its creation is a fault', () => {
  const retried = new TaskRetried({ retryCount: 1, maxRetries: 3 });
  const metadata = { timestamp: NOW, actor: { id: 'a', roles: [], verified: true } };
  expect(() =>
    evolve(undefined, { taskId: TASK_ID, revision: 0, event: retried, metadata }),
  ).toThrow(`Stream of task ${TASK_ID} starts with TaskRetried.`);
});

test('a query sees the task, and nothing of what only decisions need', () => {
  const task = taskAfter(
    created({ idempotencyKey: 'k', timeouts: { runMs: 5 } }),
    claimed(),
    new ProgressUpdated({ progress: 5, leaseExpiresAt: NOW + 30_000 }),
    new TaskApprovalRequested({
      approvers: [],
      quorum: 1,
      allowSelf: true,
      onApproved: 'complete',
      result: 'secret',
    }),
  );
  expect(asSnapshot(toTaskInfo(task) as Task)).toEqual({
    id: TASK_ID,
    name: 'Publish',
    taskType: 'publish',
    appName: 'registry',
    runBy: 'app',
    status: 'waiting_for_approval',
    progress: 5,
    retryCount: 0,
    maxRetries: 3,
    retryDelayMs: 1_000,
    backoff: { type: 'fixed' },
    persistent: false,
    priority: 0,
    labels: {},
    timeouts: { runMs: 5 },
    workerId: 'w1',
    attempt: 1,
    leaseEpoch: 1,
    stallCount: 0,
    approval: {
      requestedBy: 'alice',
      requestedAt: NOW,
      approvers: [],
      quorum: 1,
      allowSelf: true,
      onApproved: 'complete',
      votes: [],
      outcome: 'waiting',
    },
    createdBy: { id: 'alice', roles: ['client'], verified: true },
    createdAt: NOW,
    updatedAt: NOW,
    startedAt: NOW,
    revision: 3,
  });
});
