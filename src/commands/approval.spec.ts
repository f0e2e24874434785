import { describe, expect, test } from '@jest/globals';
import {
  type AnyTaskEvent,
  ApproversNotified,
  TaskApprovalExpired,
  TaskApprovalGiven,
  TaskApprovalRequested,
  type TaskApprovalRequestedData,
  TaskApproved,
  TaskCancelled,
  TaskCompleted,
  TaskFailed,
  TaskRejected,
} from '../events/index.js';
import {
  ADMIN,
  BOB,
  HOLDER,
  NOW,
  TASK_ID,
  claimed,
  created,
  given,
  happened,
  started,
} from '../../test/given.js';
import { ApproveTaskHandler } from './approve-task.handler.js';
import { wantedNotice } from './approver-notice.js';
import { CompleteTaskHandler } from './complete-task.handler.js';
import { FailTaskHandler } from './fail-task.handler.js';
import { ExpireApprovalHandler } from './internal/expire-approval.handler.js';
import { RejectTaskHandler } from './reject-task.handler.js';
import { RequestApprovalHandler } from './request-approval.handler.js';

const ask = new RequestApprovalHandler(undefined as never);
const approve = new ApproveTaskHandler(undefined as never);
const reject = new RejectTaskHandler(undefined as never);
const complete = new CompleteTaskHandler(undefined as never);
const fail = new FailTaskHandler(undefined as never);
const expire = new ExpireApprovalHandler(undefined as never);

const requested = (overrides: Partial<TaskApprovalRequestedData> = {}) =>
  new TaskApprovalRequested({
    approvers: [],
    quorum: 1,
    allowSelf: true,
    onApproved: 'resume',
    ...overrides,
  });
const waiting = (overrides: Partial<TaskApprovalRequestedData> = {}) =>
  [created(), started(), requested(overrides)] as const;
const yes = (by: string) => new TaskApprovalGiven({ by });
const approved = new TaskApproved({ resumesTo: 'running' });
const asBob = { actor: BOB };
type History = readonly (AnyTaskEvent | ReturnType<typeof happened>)[];

describe('asking', () => {
  test('fills in that one vote of anybody is enough and the work then goes on', () => {
    const task = given(created(), started()).when(ask, {}).then(requested());
    expect(task.approval).toMatchObject({ requestedBy: 'alice', requestedAt: NOW, votes: [] });
    expect(task.approval?.outcome).toBe('waiting');
  });

  test('keeps everything that was said', () => {
    const request = {
      approvers: ['bob', 'role:approver'],
      quorum: 2,
      allowSelf: false,
      dueAt: NOW + 3_000,
      remindEveryMs: 1_000,
      escalateTo: ['root'],
      escalateAfterMs: 2_000,
      onApproved: 'complete',
      result: { ok: 1 },
      comment: 'please',
    } as const;
    given(created(), started()).when(ask, request).then(new TaskApprovalRequested(request));
  });

  test('what nobody could ever answer is refused', () => {
    given(created(), started())
      .when(ask, { approvers: ['bob', 'bob'], quorum: 2 })
      .thenRefused('VALIDATION_FAILED', { field: 'quorum' });
    given(created(), started())
      .when(ask, { dueAt: NOW })
      .thenRefused('VALIDATION_FAILED', { field: 'dueAt' });
    given(created(), started())
      .when(ask, { approvers: ['alice', 'bob'], quorum: 2, allowSelf: false })
      .thenRefused('VALIDATION_FAILED', { field: 'quorum' });
  });

  test('an escalation to nobody, at no time, or after the end is refused, saying which', () => {
    const refused = (request: Partial<TaskApprovalRequestedData>, field: string) =>
      given(created(), started()).when(ask, request).thenRefused('VALIDATION_FAILED', { field });
    refused({ escalateTo: ['root'] }, 'escalateAfterMs');
    refused({ escalateAfterMs: 1_000 }, 'escalateTo');
    refused({ escalateAfterMs: 1_000, escalateTo: [] }, 'escalateTo');
    given(created(), started())
      .when(ask, { escalateTo: [] })
      .then(requested({ escalateTo: [] }));
  });

  test('nobody knows how many have a role, so any number of votes may be asked of them', () => {
    const request = { approvers: ['bob', 'role:approver'], quorum: 5 };
    given(created(), started()).when(ask, request).then(requested(request));
  });

  test('needs a task that runs', () => {
    given(created()).when(ask, {}).thenRefused('INVALID_TRANSITION');
    given(...waiting())
      .when(ask, {})
      .thenRefused('INVALID_TRANSITION');
  });

  test('stops the run clock, and not the total', () => {
    const task = given(created({ timeouts: { runMs: 500, totalMs: 900 } }), started())
      .when(ask, {}, { now: NOW + 100 })
      .then(requested());
    expect(task).toMatchObject({ deadlines: { totalDueAt: NOW + 900 }, remaining: { runMs: 400 } });
  });
});

describe('voting yes', () => {
  test('the vote that fills the quorum lets the task go on with what was left of its clock', () => {
    const history = [created({ timeouts: { runMs: 500 } }), started(), requested()] as const;
    const task = given(...history)
      .when(approve, { comment: 'fine' }, { ...asBob, now: NOW + 9_000 })
      .then(new TaskApprovalGiven({ by: 'bob', comment: 'fine' }), approved);
    expect(task).toMatchObject({
      status: 'running',
      attempt: 1,
      deadlines: { runDueAt: NOW + 9_500 },
    });
    expect(task.approval).toMatchObject({
      outcome: 'approved',
      votes: [{ by: 'bob', at: NOW + 9_000, comment: 'fine' }],
    });
  });

  test('before that it is counted and nothing else', () => {
    const two = waiting({ quorum: 2 });
    given(...two)
      .when(approve, {}, asBob)
      .then(yes('bob'));
    given(...two, yes('bob'))
      .when(approve, {})
      .then(yes('alice'), approved);
  });

  test('when a worker asked the task goes back to the queue', () => {
    given(created({ runBy: 'worker' }), claimed(), requested())
      .when(approve, {}, asBob)
      .then(yes('bob'), new TaskApproved({ resumesTo: 'pending' }));
  });

  test('onApproved complete completes with the result that was asked about', () => {
    const task = given(created(), claimed(), requested({ onApproved: 'complete', result: null }))
      .when(approve, {}, asBob)
      .then(yes('bob'), approved, new TaskCompleted({ result: null }));
    expect(task).toMatchObject({ status: 'completed', progress: 100 });
  });

  test('nobody votes twice, not even with the other answer', () => {
    const voted = [...waiting({ quorum: 2 }), yes('bob')] as const;
    const details = { reason: 'already_voted' };
    given(...voted)
      .when(approve, {}, asBob)
      .thenRefused('INVALID_TRANSITION', details);
    given(...voted)
      .when(reject, { reason: 'no' }, asBob)
      .thenRefused('INVALID_TRANSITION', details);
  });

  test('only those who were asked vote, by name or by role', () => {
    const named = waiting({ approvers: ['carol', 'role:approver'] });
    given(...named)
      .when(approve, {})
      .thenRefused('FORBIDDEN', { reason: 'not_an_approver' });
    given(...named)
      .when(reject, { reason: 'no' })
      .thenRefused('FORBIDDEN');
    given(...named)
      .when(approve, {}, asBob)
      .then(yes('bob'), approved);
  });

  test('who asked may be left out', () => {
    const asked = waiting({ allowSelf: false });
    given(...asked)
      .when(approve, {})
      .thenRefused('FORBIDDEN', { reason: 'own_request' });
    given(...asked)
      .when(approve, {}, asBob)
      .then(yes('bob'), approved);
  });

  test('those it was escalated to vote once they were told', () => {
    const asked = waiting({ approvers: ['bob'], escalateTo: ['root'], escalateAfterMs: 1_000 });
    const told = new ApproversNotified({
      kind: 'escalation',
      channel: 'log',
      outcome: 'delivered',
    });
    given(...asked)
      .when(approve, {}, { actor: ADMIN })
      .thenRefused('FORBIDDEN');
    given(...asked, told)
      .when(approve, {}, { actor: ADMIN })
      .then(yes('root'), approved);
  });

  test('a reminder is no escalation', () => {
    const reminded = new ApproversNotified({
      kind: 'reminder',
      channel: 'log',
      outcome: 'delivered',
    });
    given(...waiting({ approvers: ['bob'], escalateTo: ['root'] }), reminded)
      .when(approve, {}, { actor: ADMIN })
      .thenRefused('FORBIDDEN', { reason: 'not_an_approver' });
  });

  test('a refusal stays short however many were asked: it is answered, and recorded each time', () => {
    const approvers = Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(256, '漢'));
    const asked = waiting({ approvers, escalateTo: approvers, quorum: 100 });
    const votes = approvers.map((by) => happened(yes(by), { actor: { ...BOB, id: by } }));
    for (const history of [asked, [...asked, ...votes, approved]]) {
      let refused: unknown;
      try {
        given(...history)
          .when(approve, {}, asBob)
          .then();
      } catch (error) {
        refused = error;
      }
      expect(refused).toMatchObject({ name: 'Refusal' });
      expect((refused as Error).message).toContain(' and 90 more');
      expect((refused as Error).message.length).toBeLessThan(3_000);
    }
  });

  test('a refusal says whom the task waits for', () => {
    given(...waiting({ approvers: ['bob', 'role:finance'] }))
      .when(approve, {})
      .thenRefused('FORBIDDEN', {}, 'it waits for bob, role:finance.');
  });

  test('a vote after the time is over is refused, though nobody has said so yet', () => {
    const due = waiting({ dueAt: NOW + 10 });
    given(...due)
      .when(approve, {}, { ...asBob, now: NOW + 10 })
      .thenRefused('INVALID_TRANSITION', { reason: 'approval_expired' });
    given(...due)
      .when(approve, {}, { ...asBob, now: NOW + 9 })
      .then(yes('bob'), approved);
  });

  test('there is nothing to vote on before, and after it a refusal says how it ended', () => {
    given(created(), started()).when(approve, {}).thenRefused('INVALID_TRANSITION');
    const over = (reason: string, text: string, ...after: AnyTaskEvent[]) => {
      const ended = given(...waiting({ dueAt: NOW + 10 }), ...after);
      ended.when(approve, {}).thenRefused('INVALID_TRANSITION', { reason }, text);
      ended.when(reject, { reason: 'x' }).thenRefused('INVALID_TRANSITION', { reason }, text);
    };
    const lost = new TaskFailed({ error: 'x', retryable: false, willRetry: false });
    over('approval_approved', 'bob approved it already. It is running now.', yes('bob'), approved);
    over(
      'approval_rejected',
      'bob rejected it (too risky). It is failed now.',
      new TaskRejected({ by: 'bob', reason: 'too risky' }),
      lost,
    );
    over(
      'approval_expired',
      `nobody answered before ${new Date(NOW + 10).toISOString()}. It is failed now.`,
      new TaskApprovalExpired({ dueAt: NOW + 10 }),
      lost,
    );
    over('approval_withdrawn', 'withdrawn before it was answered', new TaskCancelled({}));
  });

  test('the votes of an earlier question do not count for the next', () => {
    given(...waiting({ quorum: 2 }), yes('bob'), yes('carol'), approved, requested({ quorum: 2 }))
      .when(approve, {}, asBob)
      .then(yes('bob'));
  });
});

describe('complete_task on a waiting task', () => {
  test('is a vote that completes, worker or not', () => {
    for (const start of [started(), claimed()]) {
      given(created(), start, requested())
        .when(complete, { result: 1 }, asBob)
        .then(
          new TaskApprovalGiven({ by: 'bob', result: 1 }),
          approved,
          new TaskCompleted({ result: 1 }),
        );
    }
  });

  test('is checked as one', () => {
    given(...waiting({ approvers: ['carol'] }))
      .when(complete, {}, asBob)
      .thenRefused('FORBIDDEN');
    given(...waiting({ quorum: 2 }), yes('alice'))
      .when(complete, {})
      .thenRefused('INVALID_TRANSITION', { reason: 'already_voted' });
  });

  test('keeps its result when it does not fill the quorum', () => {
    const kept = new TaskApprovalGiven({ by: 'bob', result: 'kept' });
    const two = waiting({ quorum: 2, onApproved: 'complete', result: 'first' });
    given(...two)
      .when(complete, { result: 'kept' }, asBob)
      .then(kept);
    given(...two, kept)
      .when(approve, {})
      .then(yes('alice'), approved, new TaskCompleted({ result: 'kept' }));
  });

  test('a result of null takes the place of the one that was kept', () => {
    given(...waiting({ onApproved: 'complete', result: 'first' }))
      .when(complete, { result: null }, asBob)
      .then(
        new TaskApprovalGiven({ by: 'bob', result: null }),
        approved,
        new TaskCompleted({ result: null }),
      );
  });
});

describe('no, never, and not any more', () => {
  const lost = (error: string) => new TaskFailed({ error, retryable: false, willRetry: false });

  test('one rejection fails the task, and no retry follows', () => {
    const task = given(
      created({ persistent: true }),
      started(),
      requested({ quorum: 3 }),
      yes('alice'),
    )
      .when(reject, { reason: 'wrong branch' }, asBob)
      .then(
        new TaskRejected({ by: 'bob', reason: 'wrong branch' }),
        lost('Rejected by bob: wrong branch'),
      );
    expect(task.approval).toMatchObject({
      outcome: 'rejected',
      rejectedBy: 'bob',
      rejectedReason: 'wrong branch',
    });
  });

  test('when nobody answers in time the task fails', () => {
    const history = waiting({ dueAt: NOW + 10 });
    const task = given(...history)
      .when(expire, { requestedAt: NOW }, { now: NOW + 10 })
      .then(
        new TaskApprovalExpired({ dueAt: NOW + 10 }),
        lost(`Nobody approved it before ${new Date(NOW + 10).toISOString()}.`),
      );
    expect(task.approval?.outcome).toBe('expired');
    given(...history)
      .when(expire, { requestedAt: NOW }, { now: NOW + 9 })
      .thenNothing();
    given(...history)
      .when(expire, { requestedAt: NOW - 1 }, { now: NOW + 10 })
      .thenNothing();
    given(...history, yes('bob'), approved)
      .when(expire, { requestedAt: NOW }, { now: NOW + 10 })
      .thenNothing();
  });

  test('an end of another kind withdraws the question', () => {
    const task = given(...waiting())
      .when(fail, { error: 'gave up' })
      .then(new TaskFailed({ error: 'gave up', retryable: true, willRetry: false }));
    expect(task.approval?.outcome).toBe('withdrawn');
  });

  test('the worker that asked hears that its lease is over', () => {
    given(created(), claimed(), requested())
      .when(fail, { error: 'x', ...HOLDER })
      .thenRefused('LEASE_LOST');
  });
});

describe('telling the approvers', () => {
  const note = { channel: 'log', outcome: 'delivered' } as const;
  const told = (kind: 'requested' | 'reminder' | 'escalation', now = NOW) =>
    happened(new ApproversNotified({ kind, ...note }), { now });
  const wanted = (
    kind: 'requested' | 'reminder' | 'escalation',
    now: number,
    ...history: History
  ) => wantedNotice(given(...history).task, { requestedAt: NOW, kind }, now);

  test('that it was asked is said once', () => {
    expect(wanted('requested', NOW, ...waiting())).toMatchObject({
      kind: 'requested',
      taskId: TASK_ID,
      name: 'Publish',
      taskType: 'publish',
      appName: 'registry',
      approvers: [],
      quorum: 1,
      votes: [],
      requestedBy: 'alice',
      requestedAt: NOW,
    });
    expect(wanted('requested', NOW, ...waiting(), told('requested'))).toBeUndefined();
  });

  test('only about the question that is open', () => {
    const { task } = given(...waiting());
    expect(
      wantedNotice(task, { requestedAt: NOW + 1, kind: 'requested' }, NOW + 1),
    ).toBeUndefined();
    expect(wanted('requested', NOW, ...waiting(), yes('bob'), approved)).toBeUndefined();
    expect(wanted('requested', NOW, ...waiting(), new TaskCancelled({}))).toBeUndefined();
    expect(wanted('requested', NOW + 10, ...waiting({ dueAt: NOW + 10 }))).toBeUndefined();
  });

  test('again each time the interval has passed since the last time, late or not', () => {
    const asked = waiting({ remindEveryMs: 1_000 });
    expect(wanted('reminder', NOW + 999, ...asked)).toBeUndefined();
    const first = wanted('reminder', NOW + 1_000, ...asked);
    const later = [...asked, told('reminder', NOW + 5_000)] as const;
    expect(wanted('reminder', NOW + 5_999, ...later)).toBeUndefined();
    const second = wanted('reminder', NOW + 6_000, ...later);
    expect(first?.id).toBe(wanted('reminder', NOW + 1_500, ...asked)?.id);
    expect(second?.id).not.toBe(first?.id);
    expect(wanted('reminder', NOW + 1e9, ...waiting())).toBeUndefined();
  });

  test('a reminder goes to those who may answer and have not', () => {
    const asked = waiting({
      approvers: ['alice', 'bob', 'carol', 'role:finance'],
      quorum: 3,
      allowSelf: false,
      remindEveryMs: 1_000,
      escalateTo: ['root'],
      escalateAfterMs: 1_000,
    });
    const whom = (...more: History) =>
      wanted('reminder', NOW + 9_000, ...asked, ...more)?.approvers;
    expect(whom()).toEqual(['bob', 'carol', 'role:finance']);
    expect(whom(yes('bob'))).toEqual(['carol', 'role:finance']);
    expect(whom(told('escalation'))).toEqual(['bob', 'carol', 'role:finance', 'root']);
  });

  test('an escalation goes to the escalation approvers, once', () => {
    const asked = waiting({
      approvers: ['bob'],
      escalateTo: ['root'],
      escalateAfterMs: 2_000,
    });
    expect(wanted('escalation', NOW + 1_999, ...asked)).toBeUndefined();
    expect(wanted('escalation', NOW + 2_000, ...asked)?.approvers).toEqual(['root']);
    expect(wanted('escalation', NOW + 9_000, ...asked, told('escalation'))).toBeUndefined();
    expect(wanted('escalation', NOW + 9_000, ...waiting())).toBeUndefined();
  });

  test('a list of nobody is never sent, for it would mean anyone', () => {
    const asked = waiting({ approvers: ['alice'], allowSelf: false });
    expect(wanted('requested', NOW, ...asked)?.approvers).toEqual(['alice']);
  });

  test('who asked is known by the event', () => {
    const { approval } = given(
      created(),
      started(),
      happened(requested(), { actor: BOB, now: NOW + 5 }),
    ).task;
    expect(approval).toMatchObject({ requestedBy: 'bob', requestedAt: NOW + 5 });
  });
});
