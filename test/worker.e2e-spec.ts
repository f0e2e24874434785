import { describe, expect, it } from '@jest/globals';
import {
  type Json,
  PermanentTaskError,
  type TaskHandler,
  TaskStopped,
  type WorkerClient,
} from '@taskmanager/client';
import { setTimeout as delay } from 'node:timers/promises';
import {
  client,
  create,
  eventsOf,
  gateOf,
  newType,
  onceOver,
  overheard,
  service,
  status,
  stoppedBy,
  timeout,
  TRANSPORTS,
  until,
  withClient,
  withService,
  work,
} from './worker-setting.js';

describe('a worker', () => {
  withService();

  describe.each(TRANSPORTS)('over %s', (transport) => {
    withClient(transport);
    const once = onceOver(transport);

    it('claims a task, runs its handler and completes it with what that resolves to', async () => {
      const type = newType();
      work(type, async (task) => {
        task.progress({ completedItems: 1, totalItems: 2 }, 'half');
        await task.saveCheckpoint({ at: 1 });
        return { twice: (task.input as number) * 2, attempt: task.attempt };
      });
      const id = await create(type, { input: 21 });
      expect(await status(id, 'completed')).toMatchObject({
        result: { twice: 42, attempt: 1 },
        checkpoint: { at: 1 },
        message: 'half',
      });
      expect(await eventsOf(id)).toEqual([
        'TaskCreated',
        'TaskStarted',
        'ProgressUpdated',
        'TaskLeaseRenewed',
        'TaskCompleted',
      ]);
    });

    once('completes a task without a result when the handler resolves to nothing', async () => {
      const type = newType();
      work(type, () => undefined);
      expect(await status(await create(type), 'completed')).not.toHaveProperty('result');
    });

    once('runs no more at once than the type has slots, and several at once', async () => {
      const type = newType();
      const gate = gateOf();
      let [running, most] = [0, 0];
      const ids = await Promise.all(Array.from({ length: 7 }, () => create(type)));
      work(
        type,
        async () => {
          most = Math.max(most, ++running);
          if (running === 3) gate.open();
          await gate.opened;
          running--;
        },
        { concurrency: 3 },
      );
      for (const id of ids) await status(id, 'completed');
      expect(most).toBe(3);
    });

    once(
      'sends at most one progress in 100 ms, and always the last, in front of the end',
      async () => {
        const type = newType();
        work(type, async (task) => {
          for (let n = 1; n <= 50; n++) {
            task.progress({ completedItems: n, totalItems: 100 });
            await delay(1);
          }
        });
        const id = await create(type);
        await status(id, 'completed');
        const done: unknown[] = [];
        for await (const { type: name, data } of client.taskHistory(id)) {
          if (name === 'ProgressUpdated') done.push(data['completedItems']);
        }
        expect(done[0]).toBe(1);
        expect(done.at(-1)).toBe(50);
        expect(done.length).toBeLessThan(10);
      },
    );

    it('fails a task with the message of what was thrown, and runs its retry', async () => {
      const type = newType();
      work(type, (task) => {
        if (task.attempt === 1) throw new Error('the disk is full');
        return task.attempt;
      });
      const id = await create(type, { persistent: true, retryDelayMs: 1 });
      expect(await status(id, 'completed')).toMatchObject({ result: 2, retryCount: 1 });
      for await (const { type: name, data } of client.taskHistory(id)) {
        if (name === 'TaskFailed') expect(data).toMatchObject({ error: 'the disk is full' });
      }
    });

    once('does not have a task retried whose handler threw a PermanentTaskError', async () => {
      const type = newType();
      work(type, () => {
        throw new PermanentTaskError('there is no such branch');
      });
      const id = await create(type, { persistent: true, retryDelayMs: 1 });
      expect(await status(id, 'failed')).toMatchObject({
        error: 'there is no such branch',
        retryCount: 0,
      });
      expect((await eventsOf(id)).at(-1)).toBe('TaskFailed');
    });

    once.each([
      ['not JSON', () => ({ n: 1n }) as unknown as Json],
      ['too large', () => 'x'.repeat(200_000)],
    ])('fails a task for good whose result is %s', async (_name, result) => {
      const type = newType();
      work(type, result);
      const id = await create(type, { persistent: true, retryDelayMs: 1 });
      expect(await status(id, 'failed')).toMatchObject({
        error: expect.stringContaining('The result was refused'),
        retryCount: 0,
      });
    });

    describe('cancel', () => {
      it('fires the signal with the reason and is acknowledged when the handler has ended', async () => {
        const type = newType();
        const [started, mayEnd] = [gateOf(), gateOf()];
        let reason: unknown;
        work(type, async (task) => {
          started.open();
          await stoppedBy(task);
          reason = task.signal.reason;
          await mayEnd.opened;
          throw task.signal.reason;
        });
        const id = await create(type);
        await started.opened;
        await client.cancelTask(id, { reason: 'nobody wants it' });
        expect(await client.getTask(id)).toMatchObject({ cancelAcknowledged: false });
        mayEnd.open();
        await until(id, ({ cancelAcknowledged }) => cancelAcknowledged === true);
        expect(reason).toBeInstanceOf(TaskStopped);
        expect(reason).toMatchObject({ kind: 'cancelled', statedReason: 'nobody wants it' });
        expect((await eventsOf(id)).slice(-2)).toEqual(['TaskCancelled', 'TaskCancelAcknowledged']);
      });

      once('says when the task was deleted, not cancelled', async () => {
        const type = newType();
        const [started, kind] = [gateOf(), gateOf<string>()];
        work(type, async (task) => {
          started.open();
          await stoppedBy(task);
          kind.open((task.signal.reason as TaskStopped).kind);
        });
        const id = await create(type);
        await started.opened;
        await client.deleteTask(id);
        expect(await kind.opened).toBe('deleted');
      });

      once('refuses and records a result that comes after it', async () => {
        const type = newType();
        const started = gateOf();
        work(type, async (task) => {
          started.open();
          await stoppedBy(task);
          return 'too late';
        });
        const id = await create(type);
        await started.opened;
        await client.cancelTask(id);
        const task = await until(id, ({ cancelAcknowledged }) => cancelAcknowledged === true);
        expect(task).toMatchObject({ status: 'cancelled' });
        expect(task).not.toHaveProperty('result');
        const [refusal] = await service.log.readStream(`refused-${id}`, { limit: 10 });
        expect(JSON.parse(refusal!.data)).toMatchObject({
          command: 'complete_task',
          code: 'INVALID_TRANSITION',
        });
      });
    });

    once(
      'runs no handler for a task that was cancelled before its claim was answered',
      async () => {
        const type = newType();
        const heard = gateOf();
        let runs = 0;
        const through = overheard(client, {
          onAnswer: (name) => (name === 'claim_tasks' ? heard.opened : undefined),
          onEvent: ({ event }) => {
            if (event === 'cancelled') heard.open();
          },
        });
        work(type, () => void runs++, { through });
        const id = await create(type);
        await status(id, 'running');
        await client.cancelTask(id);
        await until(id, ({ cancelAcknowledged }) => cancelAcknowledged === true);
        expect(runs).toBe(0);
      },
    );

    it('finds the tasks of a claim whose answer was lost', async () => {
      const type = newType();
      let losses = 0;
      const onAnswer = (name: string) => {
        if (name === 'claim_tasks' && losses++ === 0) throw timeout();
      };
      const ids = await Promise.all([create(type), create(type)]);
      work(type, ({ attempt }) => attempt, {
        concurrency: 2,
        through: overheard(client, { onAnswer }),
      });
      for (const id of ids) {
        expect(await status(id, 'completed')).toMatchObject({ result: 1, stallCount: 0 });
      }
      expect(losses).toBeGreaterThan(1);
    });

    once('renews leases by itself', async () => {
      const type = newType();
      const mayEnd = gateOf();
      work(type, () => mayEnd.opened, { leaseMs: 1_000 });
      const id = await create(type);
      await until(id, ({ revision }) => revision >= 3);
      mayEnd.open();
      await status(id, 'completed');
      expect((await eventsOf(id)).slice(2, 4)).toEqual(['TaskLeaseRenewed', 'TaskLeaseRenewed']);
    });

    once(
      'tells a handler that its task is not held any more, and sends nothing of it',
      async () => {
        const type = newType();
        const [started, kinds] = [gateOf(), gateOf<string[]>()];
        const worker = work(
          type,
          async (task) => {
            if (task.attempt === 2) return 'second';
            started.open();
            await stoppedBy(task);
            await task.saveCheckpoint('late').catch((error: TaskStopped) => {
              kinds.open([(task.signal.reason as TaskStopped).kind, error.kind]);
            });
            return 'first';
          },
          { concurrency: 2 },
        );
        const id = await create(type);
        await started.opened;
        await client.command('release_task', { id, workerId: worker.workerId, leaseEpoch: 1 });
        expect(await kinds.opened).toEqual(['lease_lost', 'lease_lost']);
        expect(await status(id, 'completed')).toMatchObject({ result: 'second', attempt: 2 });
      },
    );

    once(
      'knows that a lease is lost when it claims the same task again before the feed says so',
      async () => {
        const type = newType();
        const [started, kind, claimedAgain] = [gateOf(), gateOf<string>(), gateOf()];
        const deaf = overheard(client, {});
        const through: WorkerClient = {
          ...deaf,
          readEvents: async (request, options) => {
            const page = await deaf.readEvents(request, options);
            if (page.events.length > 0) await claimedAgain.opened;
            return page;
          },
        };
        const handler: TaskHandler = async (task) => {
          if (task.attempt === 2) return 'second';
          started.open();
          await stoppedBy(task);
          kind.open((task.signal.reason as TaskStopped).kind);
          return 'first';
        };
        const worker = work(type, handler, { concurrency: 2, through });
        const id = await create(type);
        await started.opened;
        await client.command('release_task', { id, workerId: worker.workerId, leaseEpoch: 1 });
        expect(await kind.opened).toBe('lease_lost');
        expect(await status(id, 'completed')).toMatchObject({ result: 'second' });
        claimedAgain.open();
      },
    );

    once('asks people, and comes back when they have approved', async () => {
      const type = newType();
      work(type, async (task) => {
        if (task.attempt > 1) return task.checkpoint ?? null;
        await task.saveCheckpoint('before asking');
        return task.requestApproval({ comment: 'Publish?' });
      });
      const id = await create(type);
      await status(id, 'waiting_for_approval');
      await client.approveTask(id);
      expect(await status(id, 'completed')).toMatchObject({ result: 'before asking' });
    });
  });
});
