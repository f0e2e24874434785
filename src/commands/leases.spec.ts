import { describe, expect, test } from '@jest/globals';
import {
  ProgressUpdated,
  TaskApprovalRequested,
  TaskCancelled,
  TaskCompleted,
  TaskDeleted,
  TaskFailed,
  TaskLeaseExpired,
  TaskLeaseRenewed,
  TaskPaused,
  TaskReleased,
} from '../events/index.js';
import { HOLDER, NOW, TASK_ID, claimed, created, given, started } from '../../test/given.js';
import { CompleteTaskHandler } from './complete-task.handler.js';
import { FailTaskHandler } from './fail-task.handler.js';
import { ExpireLeaseHandler } from './internal/expire-lease.handler.js';
import { ReleaseTaskHandler } from './release-task.handler.js';
import { RenewLeaseHandler } from './renew-lease.handler.js';
import { RequestApprovalHandler } from './request-approval.handler.js';
import { UpdateTaskDataHandler } from './update-task-data.handler.js';

const renew = new RenewLeaseHandler(undefined as never);
const release = new ReleaseTaskHandler(undefined as never);
const complete = new CompleteTaskHandler(undefined as never);
const fail = new FailTaskHandler(undefined as never);
const data = new UpdateTaskDataHandler(undefined as never);
const ask = new RequestApprovalHandler(undefined as never);
const expire = new ExpireLeaseHandler(undefined as never);

const task = created({ runBy: 'worker', timeouts: { queueMs: 700 } });
const used = new ProgressUpdated({ progress: 1, leaseExpiresAt: NOW + 30_000 });
const paused = new TaskPaused({ statusBefore: 'running', remaining: {} });
const lost = (leaseEpoch: number, stallCount: number) =>
  new TaskLeaseExpired({ stallCount, leaseEpoch, workerId: 'w1' });
const OVER = { now: NOW + 30_000 };

describe('renewing', () => {
  test('gives the time it was given for, or another', () => {
    const now = NOW + 4_000;
    given(task, claimed())
      .when(renew, HOLDER, { now })
      .then(new TaskLeaseRenewed({ leaseExpiresAt: now + 30_000 }));
    const after = given(task, claimed())
      .when(renew, { ...HOLDER, leaseMs: 5_000 }, { now })
      .then(new TaskLeaseRenewed({ leaseExpiresAt: now + 5_000 }));
    expect(after).toMatchObject({ leaseMs: 5_000, leaseUsed: true });
  });

  test('keeps a checkpoint; one that is null is a checkpoint too', () => {
    const first = new TaskLeaseRenewed({ leaseExpiresAt: NOW + 30_000, checkpoint: { page: 3 } });
    const kept = given(task, claimed(), first)
      .when(renew, HOLDER)
      .then(new TaskLeaseRenewed({ leaseExpiresAt: NOW + 30_000 }));
    expect(kept.checkpoint).toEqual({ page: 3 });
    const cleared = given(task, claimed(), first)
      .when(renew, { ...HOLDER, checkpoint: null })
      .then(new TaskLeaseRenewed({ leaseExpiresAt: NOW + 30_000, checkpoint: null }));
    expect(cleared.checkpoint).toBeNull();
  });

  test('holds while paused, and as long as its end is not in the log', () => {
    given(task, claimed(), paused)
      .when(renew, HOLDER, OVER)
      .then(new TaskLeaseRenewed({ leaseExpiresAt: OVER.now + 30_000 }));
  });

  test('is refused to an older lease, to another worker, and where there is none', () => {
    const again = [task, claimed(1), lost(1, 0), claimed(2)] as const;
    given(...again)
      .when(renew, HOLDER)
      .thenRefused('LEASE_LOST', { leaseEpoch: 2 });
    given(...again)
      .when(renew, { workerId: 'w9', leaseEpoch: 2 })
      .thenRefused('LEASE_LOST');
    given(task, claimed(), lost(1, 0)).when(renew, HOLDER).thenRefused('LEASE_LOST');
    given(task, started()).when(renew, HOLDER).thenRefused('LEASE_LOST');
  });

  test('the last holder of a task that is over hears that it is over', () => {
    for (const end of [new TaskCancelled({}), new TaskCompleted({})]) {
      given(task, claimed(), end).when(renew, HOLDER).thenRefused('INVALID_TRANSITION');
    }
    given(task, claimed(), new TaskCancelled({}), new TaskDeleted({}))
      .when(renew, HOLDER)
      .thenRefused('INVALID_TRANSITION', { status: 'deleted' });
  });
});

describe('releasing', () => {
  test('hands the task back, neither stalled nor retried', () => {
    const after = given(task, claimed(), used)
      .when(release, { ...HOLDER, checkpoint: 7, reason: 'shutting down' })
      .then(new TaskReleased({ checkpoint: 7, reason: 'shutting down' }));
    expect(after).toMatchObject({ status: 'pending', stallCount: 0, retryCount: 0, checkpoint: 7 });
    expect(after).toMatchObject({ leased: false, deadlines: { queueDueAt: NOW + 700 } });
    expect(after.workerId).toBeUndefined();
  });

  test('is not for a paused task', () => {
    given(task, claimed(), paused).when(release, HOLDER).thenRefused('INVALID_TRANSITION');
  });
});

describe('what a lease guards', () => {
  const stranger = { workerId: 'w2', leaseEpoch: 9 };

  test.each([{}, stranger])('complete, data and request_approval are not for %j', (sender) => {
    given(task, claimed()).when(complete, sender).thenRefused('LEASE_LOST');
    given(task, claimed())
      .when(data, { data: 1, ...sender })
      .thenRefused('LEASE_LOST');
    given(task, claimed()).when(ask, sender).thenRefused('LEASE_LOST');
  });

  test('its epoch is enough: who leaves out the worker is taken for its holder', () => {
    given(task, claimed()).when(complete, { leaseEpoch: 1 }).then(new TaskCompleted({}));
  });

  test('a refusal says what was named and who holds the task', () => {
    const text = (who: string, named: string, held: string) =>
      `Task ${TASK_ID} is not ${who}'s to go on with: it ${named}, but ${held}. Stop working on it.`;
    const byW1 = 'w1 holds it under lease 1';
    given(task, claimed())
      .when(complete, stranger)
      .thenRefused('LEASE_LOST', {}, text('w2', 'names lease 9', byW1));
    given(task, claimed())
      .when(complete, {})
      .thenRefused('LEASE_LOST', {}, text('the sender', 'names no lease', byW1));
    const nobody = 'nobody holds a lease on it now (the last was';
    given(task, started())
      .when(complete, HOLDER)
      .thenRefused('LEASE_LOST', {}, text('w1', 'names lease 1', `${nobody} none)`));
    given(task, claimed(), lost(1, 0))
      .when(complete, HOLDER)
      .thenRefused('LEASE_LOST', {}, text('w1', 'names lease 1', `${nobody} 1)`));
  });

  test('an operator may fail a leased task, a worker of another lease may not', () => {
    const failed = new TaskFailed({ error: 'stop', retryable: true, willRetry: false });
    given(task, claimed()).when(fail, { error: 'stop' }).then(failed);
    given(task, claimed())
      .when(fail, { error: 'stop', ...HOLDER })
      .then(failed);
    given(task, claimed())
      .when(fail, { error: 'stop', ...stranger })
      .thenRefused('LEASE_LOST');
  });

  test('a worker whose lease ran out cannot fail the task that another will run', () => {
    given(task, claimed(), used, lost(1, 1))
      .when(fail, { error: 'late', ...HOLDER })
      .thenRefused('LEASE_LOST');
  });

  test('the lease is over too when the task has failed and will be retried', () => {
    const failed = new TaskFailed({ error: 'x', retryable: true, willRetry: true });
    given(created({ runBy: 'worker', persistent: true }), claimed(), failed)
      .when(data, { data: 1, ...HOLDER })
      .thenRefused('LEASE_LOST');
  });

  test('asking for approval ends the lease', () => {
    const after = given(task, claimed())
      .when(ask, HOLDER)
      .then(
        new TaskApprovalRequested({
          approvers: [],
          quorum: 1,
          allowSelf: true,
          onApproved: 'resume',
        }),
      );
    expect(after).toMatchObject({ leased: false, leaseEpoch: 1, status: 'waiting_for_approval' });
    expect(after.leaseExpiresAt).toBeUndefined();
  });
});

describe('when the time of a lease is over', () => {
  test('a lease that was used counts as a stall and the task waits for another worker', () => {
    const after = given(task, claimed(), used)
      .when(expire, { leaseEpoch: 1 }, OVER)
      .then(lost(1, 1));
    expect(after).toMatchObject({ status: 'pending', stallCount: 1, leased: false });
    expect(after.deadlines).toEqual({ queueDueAt: OVER.now + 700 });
  });

  test('a lease that was never used does not count', () => {
    given(task, claimed()).when(expire, { leaseEpoch: 1 }, OVER).then(lost(1, 0));
  });

  test('neither does one of a paused task, which stays paused and then resumes to pending', () => {
    const after = given(task, claimed(), used, paused)
      .when(expire, { leaseEpoch: 1 }, OVER)
      .then(lost(1, 0));
    expect(after).toMatchObject({ status: 'paused', statusBefore: 'pending', leased: false });
  });

  test('the fourth stall fails the task in the same append', () => {
    const stalled = [1, 2, 3].flatMap((n) => [claimed(n), used, lost(n, n)]);
    const after = given(
      created({ runBy: 'worker', persistent: true }),
      ...stalled,
      claimed(4),
      used,
    )
      .when(expire, { leaseEpoch: 4 }, OVER)
      .then(
        lost(4, 4),
        new TaskFailed({
          error: 'Stalled 4 times: its workers were not heard of in time.',
          retryable: false,
          willRetry: false,
        }),
      );
    expect(after.status).toBe('failed');
  });

  test('nothing happens too early, to another lease, or after the lease', () => {
    given(task, claimed(), used)
      .when(expire, { leaseEpoch: 1 }, { now: OVER.now - 1 })
      .thenNothing();
    given(task, claimed(1), lost(1, 0), claimed(2))
      .when(expire, { leaseEpoch: 1 }, OVER)
      .thenNothing();
    given(task, claimed(), new TaskCompleted({}))
      .when(expire, { leaseEpoch: 1 }, OVER)
      .thenNothing();
  });
});
