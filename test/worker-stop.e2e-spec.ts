import { describe, expect, it } from '@jest/globals';
import {
  type FeedEvent,
  type TaskHandler,
  type TaskStopped,
  type WorkerClient,
} from '@taskmanager/client';
import {
  client,
  create,
  eventsOf,
  gateOf,
  newType,
  onceOver,
  overheard,
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

    describe('stop', () => {
      it('hands a task back at its next pause point; another worker takes it at once', async () => {
        const type = newType();
        const [started, stopped] = [gateOf(), gateOf()];
        const first = work(type, async (task) => {
          started.open();
          await stopped.opened;
          await task.pausePoint({ page: 3 });
        });
        const id = await create(type);
        await started.opened;
        work(type, (task) => ({ from: task.checkpoint ?? null, attempt: task.attempt }));
        const end = first.stop();
        stopped.open();
        await end;
        expect(await status(id, 'completed')).toMatchObject({
          result: { from: { page: 3 }, attempt: 2 },
          stallCount: 0,
        });
        expect(await eventsOf(id)).toContain('TaskReleased');
      });

      once('lets a handler finish that can within the time', async () => {
        const type = newType();
        const [started, stopped] = [gateOf(), gateOf()];
        const worker = work(type, async () => {
          started.open();
          await stopped.opened;
          return 'finished';
        });
        const id = await create(type);
        await started.opened;
        const end = worker.stop();
        stopped.open();
        await end;
        expect(await client.getTask(id)).toMatchObject({ status: 'completed', result: 'finished' });
      });

      once('hands back what does not end, with its checkpoint', async () => {
        const type = newType();
        const [started, kind] = [gateOf(), gateOf<string>()];
        const worker = work(
          type,
          async (task) => {
            await task.pausePoint('here');
            task.signal.addEventListener('abort', () => {
              kind.open((task.signal.reason as TaskStopped).kind);
            });
            started.open();
            await new Promise(() => undefined);
          },
          { shutdownMs: 10 },
        );
        const id = await create(type);
        await started.opened;
        const end = worker.stop();
        expect(await kind.opened).toBe('shutdown');
        // Its last moment is not waited for: it does not end.
        await worker.stop({ now: true });
        await end;
        expect(await client.getTask(id)).toMatchObject({ status: 'pending', checkpoint: 'here' });
      });

      once('with now hands back at once what would go on', async () => {
        const type = newType();
        const started = gateOf();
        const worker = work(type, async () => {
          started.open();
          await new Promise(() => undefined);
        });
        const id = await create(type);
        await started.opened;
        const end = worker.stop();
        const before = performance.now();
        await worker.stop({ now: true });
        await end;
        expect(performance.now() - before).toBeLessThan(900);
        expect(await client.getTask(id)).toMatchObject({ status: 'pending', stallCount: 0 });
      });

      it('takes back a claim that waits, and does not wait for it', async () => {
        const claims: unknown[] = [];
        const claimed = gateOf();
        const through: WorkerClient = {
          ...overheard(client, {}),
          command: (name, args, options) => {
            if (name === 'claim_tasks') {
              const { limit, waitMs } = args as { limit?: number; waitMs?: number };
              claims.push({ limit, waitMs, commandId: options?.commandId, retry: options?.retry });
              setImmediate(claimed.open);
            }
            return client.command(name, args, options);
          },
        };
        const worker = work(newType(), () => undefined, { through, concurrency: 5 });
        await claimed.opened;
        const before = performance.now();
        await worker.stop();
        expect(performance.now() - before).toBeLessThan(2_000);
        const commandId = expect.any(String);
        expect(claims).toEqual([
          { limit: 5, waitMs: 25_000, commandId, retry: false },
          {
            limit: 1,
            waitMs: 0,
            commandId: (claims[0] as { commandId: string }).commandId,
            retry: true,
          },
        ]);
      });

      it('hands back what a claim brings that is taken back', async () => {
        const type = newType();
        const stopped = gateOf();
        let claims = 0;
        const onAnswer = async (name: string) => {
          if (name !== 'claim_tasks' || ++claims > 1) return;
          await stopped.opened;
          throw timeout();
        };
        let runs = 0;
        const worker = work(type, () => void runs++, { through: overheard(client, { onAnswer }) });
        const id = await create(type);
        await status(id, 'running');
        const end = worker.stop();
        stopped.open();
        await end;
        expect(await client.getTask(id)).toMatchObject({ status: 'pending', stallCount: 0 });
        expect(runs).toBe(0);
      });
    });

    describe('pause', () => {
      it('stops a handler at its next pause point; another worker goes on from the checkpoint', async () => {
        const type = newType();
        const [started, paused, busy, over] = [gateOf(), gateOf(), gateOf(), gateOf()];
        const heard = gateOf();
        const onEvent = ({ event }: FeedEvent) => {
          if (event === 'paused') heard.open();
        };
        const handler: TaskHandler = async (task) => {
          if (task.name === 'other') {
            busy.open();
            return over.opened;
          }
          await task.pausePoint({ page: 0 });
          started.open();
          await paused.opened;
          await task.pausePoint({ page: 7 });
          return 'not reached';
        };
        work(type, handler, { through: overheard(client, { onEvent }) });
        const id = await create(type);
        await started.opened;
        await client.pauseTask(id);
        await heard.opened;
        expect(await client.getTask(id)).toMatchObject({ pauseAcknowledged: false });
        paused.open();
        await until(id, ({ pauseAcknowledged }) => pauseAcknowledged === true);
        // Its slot was given up: it takes another task.
        await client.createTask('other', type, 'app', undefined, { runBy: 'worker' });
        await busy.opened;
        work(type, (task) => ({ from: task.checkpoint ?? null }));
        await client.resumeTask(id);
        expect(await status(id, 'completed')).toMatchObject({ result: { from: { page: 7 } } });
        over.open();
      });

      once(
        'aborts a handler without pause points, and hands it out anew after the resume',
        async () => {
          const type = newType();
          const started = gateOf();
          let kind: unknown;
          work(type, async (task) => {
            if (task.attempt > 1) return task.attempt;
            started.open();
            await stoppedBy(task);
            kind = (task.signal.reason as TaskStopped).kind;
            return undefined;
          });
          const id = await create(type);
          await started.opened;
          await client.pauseTask(id, { reason: 'lunch' });
          await until(id, ({ pauseAcknowledged }) => pauseAcknowledged === true);
          expect(kind).toBe('paused');
          await client.resumeTask(id);
          expect(await status(id, 'completed')).toMatchObject({ result: 2 });
        },
      );

      once('aborts a handler that reaches no pause point within the grace', async () => {
        const type = newType();
        const started = gateOf();
        work(
          type,
          async (task) => {
            await task.pausePoint();
            started.open();
            await stoppedBy(task);
          },
          { pauseGraceMs: 50 },
        );
        const id = await create(type);
        await started.opened;
        await client.pauseTask(id);
        await until(id, ({ pauseAcknowledged }) => pauseAcknowledged === true);
      });

      once('is as if it had not been when it is resumed before the handler noticed', async () => {
        const type = newType();
        const [started, resumed] = [gateOf(), gateOf()];
        const onEvent = ({ event }: FeedEvent) => {
          if (event === 'resumed') resumed.open();
        };
        const handler: TaskHandler = async (task) => {
          await task.pausePoint();
          started.open();
          await resumed.opened;
          await task.pausePoint();
          return task.signal.aborted;
        };
        work(type, handler, { through: overheard(client, { onEvent }) });
        const id = await create(type);
        await started.opened;
        await client.pauseTask(id);
        await client.resumeTask(id);
        expect(await status(id, 'completed')).toMatchObject({ result: false, attempt: 1 });
      });

      once('does not keep a handler from completing that has finished its work', async () => {
        const type = newType();
        const [started, paused] = [gateOf(), gateOf()];
        work(type, async (task) => {
          await task.pausePoint();
          started.open();
          await paused.opened;
          return 'done';
        });
        const id = await create(type);
        await started.opened;
        await client.pauseTask(id);
        paused.open();
        expect(await status(id, 'completed')).toMatchObject({ result: 'done' });
      });
    });
  });
});
