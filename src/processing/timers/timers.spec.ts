import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SetClock } from '../../../test/given.js';
import { TimeOrderedIds } from '../../context/index.js';
import { MemoryProcessorStore } from '../../event-store/memory/index.js';
import type { TimerKind } from '../../events/index.js';
import { OWNER_LEASE, Ownership, ownershipTimes } from '../ownership.js';
import { TryLater } from '../handlers/processor-handler.js';
import type { DueTimer } from '../sagas/saga.js';
import type { Cause, SagaCommands } from '../sagas/saga-commands.js';
import type { DueMethod, SagaFinder } from '../sagas/saga-finder.js';
import { type DueTask, type TimerPlace, TimerQueue } from './timer-queue.port.js';
import { Timers } from './timers.js';

/** One row of the fake view. */
interface Row {
  seq: number;
  revision: number;
  timers: { kind: TimerKind; dueAt: number }[];
}

/** The port's promises over an array. */
class FakeQueue extends TimerQueue {
  rows: Row[] = [];
  readonly listeners = new Set<(dueAt: number) => void>();
  isCaughtUp = true;
  looks = 0;
  trouble: Error | undefined;

  caughtUp(): Promise<boolean> {
    return Promise.resolve(this.isCaughtUp);
  }
  nearest(after?: TimerPlace): number | undefined {
    return this.behind(after)[0]?.dueAt;
  }
  due(now: number, limit: number, after?: TimerPlace): readonly DueTask[] {
    this.looks += 1;
    if (this.trouble) throw this.trouble;
    return this.behind(after)
      .filter(({ dueAt }) => dueAt <= now)
      .slice(0, limit);
  }
  countDue(now: number): number {
    return this.behind().filter(({ dueAt }) => dueAt <= now).length;
  }
  onChange(listener: (dueAt: number) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  add(seq: number, ...timers: Row['timers']): void {
    this.rows.push({ seq, revision: 1, timers });
    for (const tell of this.listeners) tell(Math.min(...timers.map(({ dueAt }) => dueAt)));
  }
  remove(taskId: string): void {
    this.rows = this.rows.filter(({ seq }) => `t${seq}` !== taskId);
  }

  private behind(after: TimerPlace = { dueAt: -Infinity, seq: -1 }): DueTask[] {
    return this.rows
      .map(({ seq, revision, timers }) => ({
        ...{ seq, revision, taskId: `t${seq}` },
        dueAt: Math.min(...timers.map(({ dueAt }) => dueAt)),
        timers: timers
          .filter(({ dueAt }) => dueAt <= clock.now())
          .map((timer) => ({ ...timer, taskId: `t${seq}`, revision, attempt: 1 })),
      }))
      .filter((a) => a.dueAt > after.dueAt || (a.dueAt === after.dueAt && a.seq > after.seq))
      .sort((a, b) => a.dueAt - b.dueAt || a.seq - b.seq);
  }
}

let clock: SetClock;
Logger.overrideLogger(false);

describe('timers', () => {
  let queue: FakeQueue;
  let store: MemoryProcessorStore;
  let ownership: Ownership;
  let timers: Timers;
  let make: (leaseGraceMs?: number) => void;
  /** `<task>/<revision>/<kind>` in the order sent. */
  let sent: string[];
  /** What becomes of a command; by default the event follows and disarms the timer. */
  let answer: (timer: DueTimer) => Promise<void>;

  beforeEach(() => {
    jest.useFakeTimers();
    clock = new SetClock();
    queue = new FakeQueue();
    sent = [];
    answer = async ({ taskId }) => queue.remove(taskId);
    store = new MemoryProcessorStore();
    ownership = new Ownership(store, clock, new TimeOrderedIds(), ownershipTimes(5_000));
    const commands = {
      send: async (saga: string, { id }: Cause, [timer]: readonly DueTimer[]) => {
        expect(saga).toBe('saga');
        sent.push(id);
        await answer(timer!);
      },
    } as unknown as SagaCommands;
    const method: DueMethod = { saga: 'saga', due: (timer) => [timer] };
    const kinds: TimerKind[] = ['retry', 'lease', 'total', 'approval_reminder', 'approval_due'];
    const dueMethods = () => new Map(kinds.map((kind) => [kind, method]));
    const sagas = { dueMethods } as unknown as SagaFinder;
    make = (leaseGraceMs) => {
      timers = new Timers(ownership, store, clock, commands, sagas, leaseGraceMs);
      timers.use(queue);
    };
    make();
  });
  afterEach(async () => {
    const stopped = timers.stop();
    await pass(6_000);
    await stopped;
    await ownership.stop();
    jest.useRealTimers();
  });

  const start = async () => {
    ownership.start();
    timers.start();
    await pass(10);
  };
  /** The clock and all timeouts. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 10) {
      clock.time += Math.min(10, left);
      await jest.advanceTimersByTimeAsync(Math.min(10, left));
    }
  };
  const status = async () => (await timers.status())[0]!;

  it('fires what was due while nobody was there, in order, once', async () => {
    for (const seq of [3, 1, 2]) queue.add(seq, { kind: 'retry', dueAt: clock.time - seq });
    await start();
    expect(sent).toEqual(['t3/1/retry', 't2/1/retry', 't1/1/retry']);
    await pass(5_000);
    expect(sent).toHaveLength(3);
  });

  it('ends no lease so soon after its term has begun, for workers could not renew before', async () => {
    make(3_000);
    queue.add(1, { kind: 'lease', dueAt: clock.time - 60_000 });
    queue.add(2, { kind: 'retry', dueAt: clock.time - 1 });
    queue.add(
      3,
      { kind: 'lease', dueAt: clock.time - 2 },
      { kind: 'total', dueAt: clock.time - 1 },
    );
    await start();
    await pass(2_800);
    expect(sent).toEqual(['t3/1/total', 't2/1/retry']);
    await pass(1_300);
    expect(sent.slice(2)).toEqual(['t1/1/lease']);
  });

  it('fires when the time has come, not before, whatever is told meanwhile', async () => {
    await start();
    queue.add(1, { kind: 'lease', dueAt: clock.time + 7_000 });
    queue.add(2, { kind: 'lease', dueAt: clock.time + 3_000 });
    await pass(2_990);
    expect(sent).toEqual([]);
    await pass(20);
    expect(sent).toEqual(['t2/1/lease']);
    await pass(4_000);
    expect(sent).toEqual(['t2/1/lease', 't1/1/lease']);
  });

  it('is told of a nearer timer while it sleeps', async () => {
    queue.add(1, { kind: 'retry', dueAt: clock.time + 900 });
    await start();
    queue.add(2, { kind: 'retry', dueAt: clock.time + 30 });
    await pass(50);
    expect(sent).toEqual(['t2/1/retry']);
  });

  it('notices a clock that jumps forward', async () => {
    queue.add(1, { kind: 'retry', dueAt: clock.time + 3_600_000 });
    await start();
    clock.time += 3_600_000;
    await pass(5_000);
    expect(sent).toEqual(['t1/1/retry']);
  });

  it('fires several timers of one task in order, one after the other', async () => {
    const due = clock.time;
    queue.add(1, { kind: 'lease', dueAt: due - 2 }, { kind: 'total', dueAt: due - 1 });
    let running = 0;
    answer = async () => {
      expect(++running).toBe(1);
      await Promise.resolve();
      running -= 1;
    };
    await start();
    expect(sent).toEqual(['t1/1/lease', 't1/1/total']);
  });

  it("goes on with a task's other timers when one cannot be fired", async () => {
    const due = clock.time;
    queue.add(
      1,
      { kind: 'approval_reminder', dueAt: due - 2 },
      { kind: 'approval_due', dueAt: due - 1 },
    );
    answer = async ({ kind, taskId }) => {
      if (kind === 'approval_reminder') throw new Error('no endpoint');
      queue.remove(taskId);
    };
    await start();
    expect(sent).toEqual(['t1/1/approval_reminder', 't1/1/approval_due']);
    expect(await status()).toMatchObject({ lastError: { message: 'no endpoint' } });
  });

  it('tries what stays due again after a pause that doubles, and at once when the task has changed', async () => {
    queue.add(1, { kind: 'retry', dueAt: clock.time });
    answer = async () => undefined;
    const times: number[] = [];
    const began = clock.time;
    await start();
    for (let n = 0; n < 160_000 / 50; n++) {
      if (sent.length > times.length) times.push(clock.time - began);
      await pass(50);
    }
    // Each pause is seen at the next look from the first timer on, a second later at most.
    const pauses = times.slice(1).map((time, n) => time - times[n]!);
    for (const [n, least] of [1, 2, 4, 8, 16, 32, 60].entries()) {
      expect(pauses[n]).toBeGreaterThanOrEqual(least * 1_000 - 50);
      expect(pauses[n]).toBeLessThanOrEqual(least * 1_000 + 1_100);
    }
    sent.length = 0;
    queue.rows[0]!.revision = 2;
    await pass(1_100);
    expect(sent).toEqual(['t1/2/retry']);
  });

  it('does not grow patient while the log is away', async () => {
    queue.add(1, { kind: 'retry', dueAt: clock.time });
    answer = () => Promise.reject(new TryLater('the log is away'));
    await start();
    expect(await status()).toMatchObject({ state: 'retrying', overdue: 1 });
    await pass(70_000);
    sent.length = 0;
    answer = async ({ taskId }) => queue.remove(taskId);
    await pass(6_100);
    expect(sent).toEqual(['t1/1/retry']);
    expect(await status()).toMatchObject({ state: 'live', failures: 0, overdue: 0 });
  });

  it('fires what lies behind any number of timers that are stuck, in time', async () => {
    for (let seq = 1; seq <= 2_000; seq++) {
      queue.add(seq, { kind: seq % 2 ? 'retry' : 'retry_schedule', dueAt: clock.time - 10_000 });
    }
    answer = async ({ taskId }) => {
      if (taskId !== 't9999') throw new Error('stuck');
      queue.remove(taskId);
    };
    await start();
    await pass(3_000);
    queue.looks = 0;
    await pass(500);
    expect(queue.looks).toBeLessThan(20);
    queue.add(9_999, { kind: 'retry', dueAt: clock.time + 100 });
    await pass(120);
    expect(sent.at(-1)).toBe('t9999/1/retry');
    expect(await status()).toMatchObject({ overdue: 2_000 });
  });

  it('is at no more than 256 tasks at once, and never twice at one', async () => {
    const finish: (() => void)[] = [];
    answer = ({ taskId }) =>
      new Promise((resolve) => {
        finish.push(() => {
          queue.remove(taskId);
          resolve();
        });
      });
    for (let seq = 1; seq <= 600; seq++) queue.add(seq, { kind: 'retry', dueAt: clock.time });
    await start();
    expect(sent).toHaveLength(256);
    for (const done of finish.splice(0, 10)) done();
    await pass(10);
    expect(sent).toHaveLength(266);
    // Those that take long no longer stand in the way of the others.
    await pass(4_000);
    expect(sent).toHaveLength(600);
    expect(new Set(sent).size).toBe(600);
    for (const done of finish) done();
  });

  it('waits until the view knows what is in the log', async () => {
    queue.isCaughtUp = false;
    queue.add(1, { kind: 'retry', dueAt: clock.time });
    await start();
    await pass(3_000);
    expect(sent).toEqual([]);
    expect(await status()).toMatchObject({ state: 'catching_up' });
    queue.isCaughtUp = true;
    await pass(1_100);
    expect(sent).toHaveLength(1);
  });

  it('does nothing while it is paused, here or by another process, and goes on after it', async () => {
    await start();
    await timers.setPaused(true);
    queue.add(1, { kind: 'retry', dueAt: clock.time });
    await pass(5_000);
    expect(sent).toEqual([]);
    expect(await status()).toMatchObject({ paused: true, overdue: 1 });
    await store.setPaused('timers', false);
    await pass(1_600);
    expect(sent).toHaveLength(1);
  });

  it('does nothing while another process is the owner, and takes over when that is gone', async () => {
    await store.acquireLease(OWNER_LEASE, 'other', 4_000, clock.now());
    queue.add(1, { kind: 'retry', dueAt: clock.time });
    await start();
    await pass(3_900);
    expect(sent).toEqual([]);
    expect(await status()).toMatchObject({ state: 'standby' });
    await pass(2_000);
    expect(sent).toHaveLength(1);
  });

  it('goes on after the view could not be read', async () => {
    queue.trouble = new Error('disk I/O error');
    queue.add(1, { kind: 'retry', dueAt: clock.time });
    await start();
    await pass(500);
    expect(await status()).toMatchObject({ lastError: { message: 'disk I/O error' } });
    queue.trouble = undefined;
    await pass(12_000);
    expect(sent).toHaveLength(1);
  });

  it('looks seldom while nothing is due', async () => {
    queue.add(1, { kind: 'retry', dueAt: clock.time + 3_600_000 });
    await start();
    queue.looks = 0;
    for (let n = 0; n < 100; n++) queue.add(n + 2, { kind: 'lease', dueAt: clock.time + 30_000 });
    await pass(10_000);
    expect(queue.looks).toBeLessThan(15);
  });

  it('lets what is under way finish when it stops, and begins nothing more', async () => {
    let finish: () => void = () => undefined;
    answer = () => new Promise((resolve) => (finish = resolve));
    queue.add(1, { kind: 'retry', dueAt: clock.time });
    await start();
    let stopped = false;
    const stopping = timers.stop().then(() => (stopped = true));
    queue.add(2, { kind: 'retry', dueAt: clock.time });
    await pass(1_000);
    expect({ sent, stopped }).toEqual({ sent: ['t1/1/retry'], stopped: false });
    finish();
    await pass(10);
    await stopping;
    expect({ sent, state: (await status()).state }).toEqual({
      sent: ['t1/1/retry'],
      state: 'stopped',
    });
  });

  it('does not wait for ever for what hangs when it stops', async () => {
    answer = () => new Promise(() => undefined);
    queue.add(1, { kind: 'retry', dueAt: clock.time });
    await start();
    let stopped = false;
    void timers.stop().then(() => (stopped = true));
    await pass(4_900);
    expect(stopped).toBe(false);
    await pass(200);
    expect(stopped).toBe(true);
  });
});
