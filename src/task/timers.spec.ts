import { describe, expect, test } from '@jest/globals';
import {
  type AnyTaskEvent,
  ApproversNotified,
  ProgressUpdated,
  TaskApprovalGiven,
  TaskApprovalRequested,
  type TaskApprovalRequestedData,
  TaskApproved,
  TaskCancelled,
  TaskCompleted,
  TaskDeleted,
  TaskErrorRecorded,
  TaskFailed,
  TaskLeaseExpired,
  TaskLeaseRenewed,
  TaskPauseAcknowledged,
  TaskPaused,
  TaskResumed,
  TaskRetried,
  TaskRetryScheduled,
} from '../events/index.js';
import { NOW, claimed, created, given, happened, started } from '../../test/given.js';
import { nextDueAt, timersOf } from './timers.js';

type Happening = AnyTaskEvent | ReturnType<typeof happened>;

/** Given this history, these timers run, the first first. */
function givenThen(
  history: readonly Happening[],
  ...timers: readonly (readonly [kind: string, dueAt: number])[]
): void {
  const { task } = given(...history);
  expect(timersOf(task).map(({ kind, dueAt }) => [kind, dueAt])).toEqual(timers);
  expect(nextDueAt(task)).toBe(timers[0]?.[1]);
}

const timeouts = { queueMs: 300, runMs: 200, totalMs: 1_000 };
const timed = created({ persistent: true, timeouts });
const failed = (willRetry: boolean) => new TaskFailed({ error: 'x', retryable: true, willRetry });
const paused = new TaskPaused({
  statusBefore: 'running',
  remaining: { runMs: 200, totalMs: 1_000 },
});
const asked = (more: Partial<TaskApprovalRequestedData>) =>
  new TaskApprovalRequested({
    approvers: ['ann'],
    quorum: 1,
    allowSelf: true,
    onApproved: 'resume',
    ...more,
  });

describe('what time alone does to a task', () => {
  test('nothing, when it has no clocks', () => {
    givenThen([created()]);
    givenThen([created({ runAt: NOW + 5 })]);
    givenThen([created(), started()]);
  });

  test('its clocks run out, the nearest first', () => {
    givenThen([timed], ['queue', NOW + 300], ['total', NOW + 1_000]);
    givenThen([timed, started()], ['run', NOW + 200], ['total', NOW + 1_000]);
  });

  test('clocks that stand while it is paused are no timers, and go on with what was left', () => {
    givenThen([timed, started(), paused]);
    const resumed = new TaskResumed({
      deadlines: { runDueAt: NOW + 700, totalDueAt: NOW + 1_500 },
    });
    givenThen(
      [timed, started(), paused, happened(resumed, { now: NOW + 500 })],
      ['run', NOW + 700],
      ['total', NOW + 1_500],
    );
  });

  test('a lease runs out, also while it is paused, until it ends with the acknowledgement', () => {
    const lease = NOW + 30_000;
    givenThen([created(), claimed()], ['lease', lease]);
    const renewed = new TaskLeaseRenewed({ leaseExpiresAt: NOW + 60_000 });
    givenThen([created(), claimed(), renewed], ['lease', NOW + 60_000]);
    const progress = new ProgressUpdated({ progress: 1, leaseExpiresAt: NOW + 40_000 });
    givenThen([created(), claimed(), progress], ['lease', NOW + 40_000]);
    givenThen([created(), claimed(), paused], ['lease', lease]);
    givenThen([created(), claimed(), paused, new TaskPauseAcknowledged({})]);
    givenThen([created(), claimed(), new TaskLeaseExpired({ stallCount: 0, leaseEpoch: 1 })]);
  });

  test('a failure waits for its retry to be scheduled, then for the retry; its total stands for nothing', () => {
    const later = happened(failed(true), { now: NOW + 50 });
    givenThen([timed, started(), later], ['retry_schedule', NOW + 50]);
    const scheduled = new TaskRetryScheduled({ attempt: 1, dueAt: NOW + 2_000 });
    givenThen([timed, started(), later, scheduled], ['retry', NOW + 2_000]);
    const retried = happened(new TaskRetried({ retryCount: 1, maxRetries: 3 }), { now: NOW + 60 });
    givenThen(
      [timed, started(), later, scheduled, retried],
      ['queue', NOW + 360],
      ['total', NOW + 1_000],
    );
  });

  test('an open approval expires, is reminded of from the last reminder on, and escalates once', () => {
    const request = asked({
      dueAt: NOW + 900,
      remindEveryMs: 400,
      escalateTo: ['boss'],
      escalateAfterMs: 600,
    });
    const waiting: AnyTaskEvent[] = [created(), started(), request];
    const due = ['approval_due', NOW + 900] as const;
    const escalation = ['approval_escalation', NOW + 600] as const;
    givenThen(waiting, ['approval_reminder', NOW + 400], escalation, due);
    const told = (kind: 'requested' | 'reminder' | 'escalation', at: number) =>
      happened(new ApproversNotified({ kind, channel: 'log', outcome: 'delivered' }), {
        now: NOW + at,
      });
    givenThen(
      [...waiting, told('requested', 5)],
      ['approval_reminder', NOW + 400],
      escalation,
      due,
    );
    givenThen(
      [...waiting, told('reminder', 410)],
      escalation,
      ['approval_reminder', NOW + 810],
      due,
    );
    givenThen(
      [...waiting, told('reminder', 410), told('escalation', 600)],
      ['approval_reminder', NOW + 810],
      due,
    );
  });

  test('nobody is escalated to when nobody is named, or no time', () => {
    givenThen([created(), started(), asked({ escalateTo: [], escalateAfterMs: 5 })]);
    givenThen([created(), started(), asked({ escalateTo: ['boss'] })]);
  });

  test('an approval that was given is no longer waited for', () => {
    const vote = [new TaskApprovalGiven({ by: 'ann' }), new TaskApproved({ resumesTo: 'running' })];
    givenThen([created(), started(), asked({ dueAt: NOW + 900, remindEveryMs: 1 }), ...vote]);
  });

  test('the total goes on while it waits for approval', () => {
    givenThen([timed, started(), asked({})], ['total', NOW + 1_000]);
  });

  test.each<[string, AnyTaskEvent[]]>([
    ['completed', [new TaskCompleted({})]],
    ['cancelled', [new TaskCancelled({})]],
    ['failed for good', [failed(false)]],
    ['deleted', [new TaskCancelled({}), new TaskDeleted({})]],
    ['failed for good, with a note', [failed(false), new TaskErrorRecorded({ error: 'y' })]],
  ])('nothing more once it is %s', (_, end) => {
    givenThen([timed, claimed(), ...end]);
  });
});
