import { describe, expect, test } from '@jest/globals';
import {
  type AnyTaskEvent,
  TaskApprovalGiven,
  TaskApprovalRequested,
  TaskCancelAcknowledged,
  TaskCancelled,
  TaskCompleted,
  TaskDeleted,
  TaskFailed,
  TaskPauseAcknowledged,
  TaskPaused,
  TaskRetryScheduled,
} from '../../events/index.js';
import { NOW, claimed, created, given, type happened, started } from '../../../test/given.js';
import { howLong } from './reason-text.js';
import { type Circumstances, reasonsOf } from './task-reasons.js';

type Happening = AnyTaskEvent | ReturnType<typeof happened>;

/** The code and text of each reason, a second after the task's events. */
function because(
  history: readonly Happening[],
  about: Circumstances = {},
  now = NOW + 1_000,
): readonly (readonly [code: string, text: string])[] {
  const reasons = reasonsOf(given(...history).task, now, about);
  return reasons.map(({ code, text }) => [code, text] as const);
}

const at = (ms: number) => new Date(NOW + ms).toISOString();
const forWorkers = created({ runBy: 'worker', taskType: 'clone' });
const failed = (willRetry: boolean, retryable = true) =>
  new TaskFailed({ error: 'disk full', retryable, willRetry });
const paused = new TaskPaused({ statusBefore: 'running', remaining: {}, reason: 'lunch' });

describe('why a task stands where it stands', () => {
  test('pending: its app has to start it', () => {
    expect(because([created()])).toEqual([
      [
        'waits_for_app',
        'Its app, registry, runs it itself and has not started it: it has to send start_task or update_task_status.',
      ],
    ]);
  });

  test('pending: no worker waits, some wait, others come first', () => {
    expect(because([forWorkers], { workersWaiting: 0, ahead: 0 })).toEqual([
      ['no_worker', expect.stringContaining('No worker waits for tasks of type clone')],
    ]);
    expect(because([forWorkers], { workersWaiting: 2, ahead: 0 })).toEqual([
      ['waits_for_worker', 'It waits to be claimed by a worker. 2 wait(s) for its type.'],
    ]);
    expect(because([forWorkers], { workersWaiting: 0, ahead: 7 })).toEqual([
      [
        'no_worker',
        expect.stringMatching(/7 task\(s\) of its type come before it by priority and age\.$/),
      ],
    ]);
    expect(because([forWorkers])).toEqual([
      ['waits_for_worker', 'It waits to be claimed by a worker.'],
    ]);
  });

  test('pending: its time has not come', () => {
    const later = created({ runBy: 'worker', runAt: NOW + 61_000 });
    expect(because([later], { workersWaiting: 1, ahead: 0 })).toEqual([
      ['run_at', `It is not to run before ${at(61_000)}, in 60 s.`],
    ]);
    expect(because([later], { workersWaiting: 1 }, NOW + 61_000)[0]?.[0]).toBe('waits_for_worker');
    expect(because([created({ runAt: NOW + 5_000 })]).map(([code]) => code)).toEqual([
      'run_at',
      'waits_for_app',
    ]);
  });

  test('running: by a worker with so much time left, or past it', () => {
    const [[code, text] = []] = because([created(), claimed()]);
    expect(code).toBe('leased');
    expect(text).toContain('Worker w1 holds it (lease 1, attempt 1); the lease has 29 s left');
    expect(because([created(), claimed()], {}, NOW + 30_000)).toEqual([
      ['lease_over', expect.stringContaining(`its lease ran out at ${at(30_000)}`)],
    ]);
  });

  test('running: by its app, since when', () => {
    expect(because([created(), started()])).toEqual([
      ['run_by_app', expect.stringContaining(`Its app, registry, runs it since ${at(0)}`)],
    ]);
  });

  test('paused: by whom, since when, why, and whether the runner has stopped', () => {
    const about = { paused: { by: 'ann', reason: 'lunch' } };
    const running = [created(), started(), paused];
    expect(because(running, about)).toEqual([
      [
        'paused',
        `It is paused since ${at(0)} by ann: "lunch". Its clocks stand; resume_task takes it back to running.`,
      ],
      [
        'pause_not_acknowledged',
        'Whoever runs it, its app, registry, has not said that it has stopped (acknowledge_pause).',
      ],
    ]);
    const stopped = because([...running, new TaskPauseAcknowledged({})], about);
    expect(stopped.map(([code]) => code)).toEqual(['paused']);
    expect(because(running)[0]?.[1]).toContain(`It is paused since ${at(0)}. Its clocks stand`);
  });

  test('paused with a lease: the lease too', () => {
    const reasons = because([created(), claimed(), paused]);
    expect(reasons.map(([code]) => code)).toEqual(['paused', 'pause_not_acknowledged', 'leased']);
    expect(reasons[1]?.[1]).toMatch(/^Whoever runs it, worker w1, has not said/);
  });

  test('waiting for approval: whose votes are missing, and what time will do', () => {
    const asked = new TaskApprovalRequested({
      approvers: ['ann', 'ben', 'role:lead'],
      quorum: 2,
      allowSelf: false,
      onApproved: 'resume',
      comment: 'Ship it?',
      dueAt: NOW + 3_601_000,
      remindEveryMs: 60_000,
      escalateTo: ['boss'],
      escalateAfterMs: 120_000,
    });
    const vote = new TaskApprovalGiven({ by: 'ann' });
    expect(because([created(), started(), asked, vote])).toEqual([
      [
        'waits_for_approval',
        `alice asked for approval at ${at(0)}. "Ship it?" It has 1 of 2 votes; ann said yes; 1 more must come from ben, role:lead, but not from alice, who asked (approve_task or reject_task).`,
      ],
      [
        'approval_due',
        `At ${at(3_601_000)}, in 60 min, the question is over: unanswered, the task fails.`,
      ],
      ['approval_reminder', `At ${at(60_000)}, in 59 s, the approvers are to be reminded.`],
      ['approval_escalation', `At ${at(120_000)}, in 119 s, boss are to be asked too.`],
    ]);
  });

  test('waiting for approval: who asked and may not vote is not among those it waits for', () => {
    const reason = (approvers: string[]) => {
      const terms = { approvers, quorum: 1, allowSelf: false, onApproved: 'resume' } as const;
      const { task } = given(created(), started(), new TaskApprovalRequested(terms));
      return reasonsOf(task, NOW)[0];
    };
    expect(reason(['alice', 'ben'])).toMatchObject({
      text: expect.stringContaining('1 more must come from ben (approve_task or reject_task).'),
      by: 'ben',
    });
    expect(reason(['alice', 'role:lead'])).toMatchObject({
      text: expect.stringContaining('come from role:lead, but not from alice, who asked (appr'),
      by: 'role:lead',
    });
    expect(reason([])).toMatchObject({
      text: expect.stringContaining('come from anyone, but not from alice, who asked (appr'),
    });
  });

  test('waiting for approval by hundreds: the first of them, and how many more', () => {
    const approvers = Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(256, '-'));
    const terms = { approvers, quorum: 1, allowSelf: true, onApproved: 'resume' } as const;
    const escalation = { escalateTo: approvers, escalateAfterMs: 5_000 };
    const { task } = given(
      created(),
      started(),
      new TaskApprovalRequested({ ...terms, ...escalation }),
    );
    for (const { text, by = '' } of reasonsOf(task, NOW)) {
      expect(text).toContain(' and 90 more');
      expect(text.length + by.length).toBeLessThan(6_000);
    }
  });

  test('failed: a retry is due, or not scheduled yet', () => {
    const saved = created({ persistent: true });
    const again = [saved, started(), failed(true)];
    const scheduled = new TaskRetryScheduled({ attempt: 1, dueAt: NOW + 9_000 });
    expect(because([...again, scheduled])).toEqual([
      [
        'retry_due',
        `It failed at attempt 1: "disk full". It is retried by itself at ${at(9_000)}, in 8 s; 0 of 3 retries are used.`,
      ],
    ]);
    expect(because(again)).toEqual([
      ['retry_not_scheduled', expect.stringContaining('has not scheduled that yet')],
    ]);
  });

  test.each([
    ['it is not persistent', created(), failed(false)],
    ['not to be worth a retry', created({ persistent: true }), failed(false, false)],
    ['all 0 retries are used', created({ persistent: true, maxRetries: 0 }), failed(false)],
  ])('failed for good: %s', (why, task, failure) => {
    const [reason, ...more] = because([task, started(), failure]);
    expect(reason?.[0]).toBe('failed');
    expect(reason?.[1]).toContain(why);
    expect(reason?.[1]).toContain('retry_task');
    expect(more).toEqual([]);
  });

  test('completed, cancelled with and without the runner having stopped', () => {
    expect(because([created(), started(), new TaskCompleted({})])).toEqual([
      ['completed', `It completed at ${at(0)}. Nothing more will happen to it.`],
    ]);
    expect(because([created(), new TaskCancelled({})])).toEqual([
      ['cancelled', `It was cancelled at ${at(0)}. Nothing more will happen to it.`],
    ]);
    const cancelled = [created(), claimed(), new TaskCancelled({})];
    expect(reasonsOf(given(...cancelled).task, NOW)[1]).toEqual({
      code: 'cancel_not_acknowledged',
      text: 'Whoever ran it, worker w1, has not said yet that it has stopped (acknowledge_cancel).',
      by: 'w1',
    });
    expect(because([...cancelled, new TaskCancelAcknowledged({})])).toHaveLength(1);
  });

  test('clocks that run, and one that has run out', () => {
    const timed = created({ timeouts: { queueMs: 500, totalMs: 61_000 } });
    expect(because([timed]).slice(1)).toEqual([
      ['clock', expect.stringContaining(`ran out at ${at(500)}`)],
      [
        'clock',
        `Its total clock (the whole task, pauses left out; totalMs 61000) has 60 s left, until ${at(61_000)}; then the task fails.`,
      ],
    ]);
  });

  test('nothing of a deleted one, which no query shows', () => {
    expect(because([created(), new TaskCancelled({}), new TaskDeleted({})])).toEqual([]);
  });

  test('a long error is cut', () => {
    const error = 'x'.repeat(8_000);
    const [reason] = because([
      created(),
      started(),
      new TaskFailed({ error, retryable: false, willRetry: false }),
    ]);
    expect(reason?.[1].length).toBeLessThan(600);
  });

  test.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [119_999, '119 s'],
    [120_000, '2 min'],
    [7_200_000, '2 h'],
  ])('%d ms is told as %s', (ms, text) => {
    expect(howLong(ms)).toBe(text);
  });
});
