import { describe, expect, test } from '@jest/globals';
import { TASK_STATUSES, VISIBLE_STATUSES } from './task-status.js';
import {
  EVENT_TYPE_OF_FEED,
  TASK_EVENT_TYPES,
  TRANSITIONS,
  type TransitionFacts,
  allowedStatuses,
  mayHappen,
} from './transitions.js';

/** Written by hand from the design's table; a condition stands after the status. */
const FROM = {
  TaskCreated: '',
  TaskStarted: 'pending running:unleased',
  ProgressUpdated: 'running paused:unacknowledged',
  TaskDataUpdated: 'pending running paused waiting_for_approval failed:retryToCome',
  TaskErrorRecorded: 'pending running paused waiting_for_approval completed failed cancelled',
  TaskLeaseRenewed: 'running:leased paused:leased',
  TaskLeaseExpired: 'running:leased paused:leased',
  TaskReleased: 'running:leased',
  TaskPaused: 'pending running',
  TaskPauseAcknowledged: 'paused:unacknowledged',
  TaskResumed: 'paused',
  TaskApprovalRequested: 'running paused:unacknowledged',
  ApproversNotified: 'waiting_for_approval',
  TaskApprovalGiven: 'waiting_for_approval',
  TaskApproved: 'waiting_for_approval',
  TaskRejected: 'waiting_for_approval',
  TaskApprovalExpired: 'waiting_for_approval',
  TaskCompleted: 'running paused:unacknowledged',
  TaskFailed: 'pending running paused waiting_for_approval',
  TaskRetryScheduled: 'failed:retryToCome',
  TaskRetried: 'failed',
  TaskCancelled: 'pending running paused waiting_for_approval failed:retryToCome',
  TaskCancelAcknowledged: 'cancelled deleted',
  TaskDeleted: 'pending running paused waiting_for_approval completed failed cancelled',
} as const;

const FEED =
  'created started progress data error lease_renewed lease_expired released paused ' +
  'pause_acknowledged resumed approval_requested approvers_notified approval_given approved ' +
  'rejected approval_expired completed failed retry_scheduled retry cancelled ' +
  'cancel_acknowledged deleted';

const ALL_FACTS: TransitionFacts[] = TASK_STATUSES.flatMap((status) =>
  [true, false].flatMap((leased) =>
    [true, false].flatMap((pauseAcknowledged) =>
      [true, false].map((retryToCome) => ({ status, leased, pauseAcknowledged, retryToCome })),
    ),
  ),
);

function expected(type: keyof typeof FROM, facts: TransitionFacts): boolean {
  const rule = FROM[type].split(' ').find((item) => item.split(':')[0] === facts.status);
  if (rule === undefined) return false;
  const condition = rule.split(':')[1];
  if (condition === 'unleased') return !facts.leased;
  if (condition === 'leased') return facts.leased;
  if (condition === 'unacknowledged') return !facts.pauseAcknowledged;
  if (condition === 'retryToCome') return facts.retryToCome;
  return true;
}

test('the table names every event of the design, under its name in the feed', () => {
  expect(TASK_EVENT_TYPES).toEqual(Object.keys(FROM));
  expect(TASK_EVENT_TYPES.map((type) => TRANSITIONS[type].feed).join(' ')).toBe(FEED);
  expect(EVENT_TYPE_OF_FEED.get('retry')).toBe('TaskRetried');
});

describe('where each event may happen', () => {
  test.each(Object.keys(FROM) as (keyof typeof FROM)[])('%s', (type) => {
    for (const facts of ALL_FACTS) {
      expect({ ...facts, may: mayHappen(type, facts) }).toEqual({
        ...facts,
        may: expected(type, facts),
      });
    }
    const statuses = FROM[type].split(' ').map((item) => item.split(':')[0]);
    expect(allowedStatuses(type).sort()).toEqual(statuses.filter(Boolean).sort());
  });
});

test('a deleted task is seen by nobody', () => {
  expect(VISIBLE_STATUSES).toEqual(TASK_STATUSES.filter((status) => status !== 'deleted'));
});
