import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Actor } from '@taskmanager/protocol';
import { ApproveTask } from '../commands/approve-task.command.js';
import { CancelTask } from '../commands/cancel-task.command.js';
import { RejectTask } from '../commands/reject-task.command.js';
import { RequestApproval } from '../commands/request-approval.command.js';
import { RetryTask } from '../commands/retry-task.command.js';
import { StartTask } from '../commands/start-task.command.js';
import { type TaskApprovalRequested } from '../events/index.js';
import type { SagaEvent } from '../processing/index.js';
import { ADMIN, ALICE, BOB, NOW, TASK_ID } from '../../test/given.js';
import { ApprovalSaga } from './approval.saga.js';
import { type Stage, openStage } from './sagas.fixture.js';

const HOUR = 3_600_000;
const CAROL: Actor = { id: 'carol', roles: ['approver'], verified: true };
const DELIVERED = { channel: 'log', outcome: 'delivered' };

let stage: Stage;

beforeEach(async () => {
  stage = await openStage();
});

afterEach(async () => {
  await stage.again();
  await stage.close();
});

const ask = async (request: Partial<RequestApproval>) => {
  await stage.create({ runBy: 'app' });
  await stage.send(StartTask, {});
  await stage.send(RequestApproval, request);
};
const told = () => stage.notices.sent.map(({ kind, approvers }) => [kind, ...approvers]);
const history = async () => (await stage.types()).slice(3);
const noted = () => stage.data('ApproversNotified');

describe('the approval saga', () => {
  const saga = new ApprovalSaga();
  const timer = { dueAt: NOW, taskId: TASK_ID, revision: 2, attempt: 1 };

  test('has the approvers told of a request', () => {
    const event = { taskId: TASK_ID, metadata: { timestamp: NOW } };
    expect(saga.announce(event as SagaEvent<TaskApprovalRequested>)).toEqual([
      { id: TASK_ID, requestedAt: NOW, kind: 'requested' },
    ]);
  });

  test('answers each timer with what is due, about the request that is open', () => {
    const due = { ...timer, requestedAt: NOW };
    expect([
      ...saga.remind({ ...due, kind: 'approval_reminder' }),
      ...saga.escalate({ ...due, kind: 'approval_escalation' }),
      ...saga.expire({ ...due, kind: 'approval_due' }),
    ]).toEqual([
      { id: TASK_ID, requestedAt: NOW, kind: 'reminder' },
      { id: TASK_ID, requestedAt: NOW, kind: 'escalation' },
      { id: TASK_ID, requestedAt: NOW },
    ]);
    expect(saga.remind({ ...timer, kind: 'approval_reminder' })).toEqual([]);
  });
});

test('told, reminded twice, escalated, and approved by whom it was escalated to', async () => {
  await ask({
    approvers: ['bob'],
    remindEveryMs: HOUR,
    escalateTo: ['root'],
    escalateAfterMs: 2.5 * HOUR,
    comment: 'publish 1.0?',
  });
  await stage.pass(2 * HOUR);
  const refusal = await stage.refused(stage.send(ApproveTask, {}, ADMIN));
  expect(refusal).toMatchObject({ code: 'FORBIDDEN', details: { reason: 'not_an_approver' } });
  await stage.pass(0.5 * HOUR);
  expect(told()).toEqual([
    ['requested', 'bob'],
    ['reminder', 'bob'],
    ['reminder', 'bob'],
    ['escalation', 'root'],
  ]);
  expect(stage.notices.sent[0]).toMatchObject({ name: 'Publish', comment: 'publish 1.0?' });
  await stage.send(ApproveTask, {}, ADMIN);
  await stage.pass(100 * HOUR);
  expect(await history()).toEqual([
    'ApproversNotified',
    'ApproversNotified',
    'ApproversNotified',
    'ApproversNotified',
    'TaskApprovalGiven',
    'TaskApproved',
  ]);
  expect(await noted()).toEqual(
    ['requested', 'reminder', 'reminder', 'escalation'].map((kind) => ({ kind, ...DELIVERED })),
  );
});

test('reminders go on after the escalation, to all who have not answered', async () => {
  await ask({
    approvers: ['bob', 'carol'],
    quorum: 2,
    remindEveryMs: HOUR,
    escalateTo: ['root'],
    escalateAfterMs: 1.5 * HOUR,
  });
  await stage.pass(1.5 * HOUR);
  await stage.send(ApproveTask, {}, BOB);
  await stage.pass(HOUR);
  expect(told().at(-1)).toEqual(['reminder', 'carol', 'root']);
  await stage.send(ApproveTask, {}, ADMIN);
  expect((await stage.task()).status).toBe('running');
});

test('a service that was away for days reminds once, not once for each day', async () => {
  await ask({ approvers: ['bob'], remindEveryMs: HOUR });
  await stage.pass(72 * HOUR, { down: true });
  expect(told()).toEqual([
    ['requested', 'bob'],
    ['reminder', 'bob'],
  ]);
  await stage.pass(HOUR);
  expect(told()).toHaveLength(3);
});

test('nobody answers: it expires once, and the refusal of a late answer says so', async () => {
  const dueAt = NOW + 2 * HOUR;
  await ask({ approvers: ['bob'], remindEveryMs: 1.5 * HOUR, dueAt });
  await stage.pass(10 * HOUR);
  expect(await history()).toEqual([
    'ApproversNotified',
    'ApproversNotified',
    'TaskApprovalExpired',
    'TaskFailed',
  ]);
  expect(await stage.task()).toMatchObject({
    status: 'failed',
    approval: { outcome: 'expired' },
    error: `Nobody approved it before ${new Date(dueAt).toISOString()}.`,
  });
  expect(await stage.refused(stage.send(ApproveTask, {}, BOB))).toMatchObject({
    code: 'INVALID_TRANSITION',
    details: { reason: 'approval_expired' },
  });
});

test('what became due while the service was away ends with the expiry alone', async () => {
  await ask({
    remindEveryMs: HOUR,
    escalateTo: ['root'],
    escalateAfterMs: HOUR,
    dueAt: NOW + 2 * HOUR,
  });
  await stage.pass(3 * HOUR, { down: true });
  expect(await history()).toEqual(['TaskApprovalExpired', 'TaskFailed']);
  expect(told()).toEqual([]);
});

test('a rejection ends it, and no retry, reminder or second answer follows', async () => {
  await ask({ approvers: ['bob', 'carol'], quorum: 2, remindEveryMs: HOUR });
  await stage.settle();
  await stage.send(ApproveTask, {}, BOB);
  await stage.send(RejectTask, { reason: 'too risky' }, CAROL);
  await stage.pass(10 * HOUR);
  expect(await history()).toEqual([
    'ApproversNotified',
    'TaskApprovalGiven',
    'TaskRejected',
    'TaskFailed',
  ]);
  const refusal = await stage.refused(stage.send(ApproveTask, {}, CAROL));
  expect(refusal.message).toBe(
    `Task ${TASK_ID} waits for no approval: carol rejected it (too risky). It is failed now.`,
  );
});

test('a vote counts once, and the quorum needs another', async () => {
  await ask({ quorum: 2, allowSelf: false });
  await stage.send(ApproveTask, {}, BOB);
  expect(await stage.refused(stage.send(ApproveTask, {}, BOB))).toMatchObject({
    details: { reason: 'already_voted' },
  });
  expect(await stage.refused(stage.send(ApproveTask, {}, ALICE))).toMatchObject({
    details: { reason: 'own_request' },
  });
  expect((await stage.task()).status).toBe('waiting_for_approval');
  await stage.send(ApproveTask, {}, CAROL);
  expect((await stage.task()).status).toBe('running');
});

describe('between the sending of a notice and its record', () => {
  test('votes are taken', async () => {
    await ask({ approvers: ['bob', 'carol'], quorum: 2 });
    stage.notices.meanwhile = () => stage.send(ApproveTask, {}, BOB);
    await stage.settle();
    expect(await history()).toEqual(['TaskApprovalGiven', 'ApproversNotified']);
  });

  test('the answer may come: then nothing is recorded', async () => {
    await ask({ approvers: ['bob'] });
    stage.notices.meanwhile = () => stage.send(ApproveTask, {}, BOB);
    await stage.settle();
    expect(await history()).toEqual(['TaskApprovalGiven', 'TaskApproved']);
    expect(await stage.log.readStream(`refused-${TASK_ID}`)).toEqual([]);
  });

  test('a crash sends the same notice again, which its receiver can tell, and one is recorded', async () => {
    await ask({ approvers: ['bob'] });
    stage.notices.meanwhile = () => Promise.reject(new Error('killed'));
    await expect(stage.settle()).rejects.toThrow('killed');
    expect(await history()).toEqual([]);
    stage.notices.meanwhile = () => Promise.resolve();
    await stage.settle();
    expect(new Set(stage.notices.sent.map(({ id }) => id)).size).toBe(1);
    expect(stage.notices.sent.length).toBeGreaterThan(1);
    expect(await history()).toEqual(['ApproversNotified']);
  });

  test('a timer that fires again after a vote joins the notice that is under way', async () => {
    await ask({ approvers: ['bob', 'carol'], quorum: 2, remindEveryMs: HOUR });
    await stage.settle();
    stage.notices.meanwhile = async () => {
      stage.notices.meanwhile = () => Promise.resolve();
      await stage.send(ApproveTask, {}, BOB);
      const again = stage.timers(await stage.task());
      void stage.fire(again[0]!);
      await stage.history();
    };
    await stage.pass(HOUR);
    expect(told()).toHaveLength(2);
    expect(await noted()).toHaveLength(2);
  });
});

test('answered before the notice went out: nobody is told', async () => {
  await ask({ approvers: ['bob'] });
  await stage.send(ApproveTask, {}, BOB);
  await stage.settle();
  expect(told()).toEqual([]);
  expect(await history()).toEqual(['TaskApprovalGiven', 'TaskApproved']);
});

test('each channel and what came of it is in the history, the failed one too', async () => {
  const outcomes = [
    { channel: 'chat', outcome: 'delivered' },
    { channel: 'mail', outcome: 'failed: 500' },
  ];
  stage.notices.outcomes = outcomes;
  await ask({ approvers: ['bob', 'carol'] });
  await stage.settle();
  expect(await noted()).toEqual(outcomes.map((each) => ({ kind: 'requested', ...each })));
  const [first, second] = (await stage.history()).slice(3);
  expect(first!.metadata.commandId).toBe(second!.metadata.commandId);
});

test('a task that asks twice has its approvers told twice, and old timers do not touch the new request', async () => {
  await ask({ remindEveryMs: HOUR, dueAt: NOW + 2 * HOUR });
  await stage.settle();
  const old = stage.timers(await stage.task());
  await stage.send(ApproveTask, {}, BOB);
  stage.clock.time += 1;
  await stage.send(RequestApproval, {});
  await stage.pass(3 * HOUR);
  for (const timer of old) await stage.fire(timer);
  expect(told().map(([kind]) => kind)).toEqual(['requested', 'requested']);
  expect((await stage.task()).status).toBe('waiting_for_approval');
});

test('a cancelled task reminds nobody and does not expire', async () => {
  await ask({ remindEveryMs: HOUR, dueAt: NOW + 2 * HOUR });
  await stage.settle();
  await stage.send(CancelTask);
  await stage.pass(5 * HOUR);
  expect(await history()).toEqual(['ApproversNotified', 'TaskCancelled']);
});

test('after a rejection the task may be retried by hand, and ask again', async () => {
  await ask({ approvers: ['bob'] });
  await stage.send(RejectTask, { reason: 'not yet' }, BOB);
  await stage.send(RetryTask, {});
  await stage.send(StartTask, {});
  stage.clock.time += 1;
  await stage.send(RequestApproval, { approvers: ['bob'] });
  await stage.settle();
  await stage.send(ApproveTask, {}, BOB);
  expect(await stage.task()).toMatchObject({
    status: 'running',
    approval: { outcome: 'approved' },
  });
});
