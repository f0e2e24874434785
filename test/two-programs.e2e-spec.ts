import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type HistoryEvent, TaskManager, TaskStatus } from '@taskmanager/client';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Broker, startBroker } from './nats.js';
import { type Service, startService } from './service.js';

const IMPORTING_APP = fileURLToPath(new URL('./crash/importing-app.mjs', import.meta.url));
const FILES = 10;
const STEPS = 10;

let broker: Broker;
let service: Service;

beforeAll(async () => {
  broker = await startBroker();
  service = await startService({ NATS_URL: broker.url });
  await service.nats;
});

afterAll(async () => {
  await service?.close();
  await broker?.stop();
});

describe.each(['tcp', 'nats'] as const)('over %s', (transport) => {
  let operator: TaskManager;
  const target = () =>
    transport === 'tcp' ? { transport, port: service.port } : { transport, servers: broker.url };

  beforeAll(async () => {
    operator = await TaskManager.connect({ ...target(), actor: 'operator' });
  });
  afterAll(() => operator?.close());

  async function historyOf(id: string): Promise<HistoryEvent[]> {
    const events: HistoryEvent[] = [];
    for await (const event of operator.taskHistory(id)) events.push(event);
    expect(events.map(({ revision }) => revision)).toEqual(events.map((_, index) => index));
    return events;
  }

  /** Each event in short: its type, and what it says of progress or of the attempt. */
  const inShort = (events: readonly HistoryEvent[]) =>
    events.map(({ type, data }) => {
      const said = data['completedItems'] ?? data['attempt'];
      return said === undefined ? type : `${type} ${JSON.stringify(said)}`;
    });

  const progress = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => `ProgressUpdated ${from + index}`);

  describe('an app that runs its own task, crashes and comes back', () => {
    /** Runs it until it stands still, and kills it there. */
    async function crashAt(file: number): Promise<string> {
      const app = runApp(String(file));
      await app.said(`done: ${file - 1}`);
      app.child.kill('SIGKILL');
      expect(await app.end).toEqual([null, 'SIGKILL']);
      const [task] = await operator.listTasks({ appName: 'importer', statuses: ['running'] });
      expect(task).toMatchObject({ status: 'running', attempt: 1, completedItems: file - 1 });
      return task!.id;
    }

    function runApp(...args: string[]) {
      const child = spawn(process.execPath, [IMPORTING_APP, JSON.stringify(target()), ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const end = once(child, 'close');
      let written = '';
      const said = (text: string) =>
        new Promise<void>((resolve, reject) => {
          child.stdout.setEncoding('utf8').on('data', (more: string) => {
            written += more;
            if (written.split('\n').includes(text)) resolve();
          });
          void end.then(() => reject(new Error(`It ended without "${text}":\n${written}`)));
        });
      return { child, end, said };
    }

    it('takes it up again as a second attempt, whose progress counts anew, and completes it', async () => {
      const id = await crashAt(5);
      expect(await runApp().end).toEqual([0, null]);

      const history = await historyOf(id);
      expect(inShort(history)).toEqual([
        'TaskCreated',
        'TaskStarted 1',
        ...progress(1, 4),
        'TaskStarted 2',
        ...progress(1, FILES),
        'TaskCompleted',
      ]);
      expect(history.map(({ metadata }) => metadata['attempt'])).toEqual([
        0,
        ...Array<number>(5).fill(1),
        ...Array<number>(FILES + 2).fill(2),
      ]);
      expect(history.map(({ metadata }) => metadata['status'])).toEqual([
        'pending',
        ...Array<string>(5 + 1 + FILES).fill('running'),
        'completed',
      ]);
      expect(new Set(history.map(({ actor }) => actor.id))).toEqual(new Set(['importer']));
      expect(await operator.getTask(id)).toMatchObject({
        status: 'completed',
        attempt: 2,
        progress: 100,
        completedItems: FILES,
        retryCount: 0,
        result: { imported: FILES },
      });
    });

    it('goes on where it was when somebody has paused the task meanwhile', async () => {
      const id = await crashAt(5);
      const { taskIds } = await operator.pauseAllRunningTasks({ appName: 'importer' });
      expect(taskIds).toEqual([id]);
      expect(await runApp().end).toEqual([0, null]);

      // The same attempt: what it had reported already it reports again, and nothing is written.
      expect(inShort(await historyOf(id))).toEqual([
        'TaskCreated',
        'TaskStarted 1',
        ...progress(1, 4),
        'TaskPaused',
        'TaskResumed',
        ...progress(5, FILES),
        'TaskCompleted',
      ]);
    });
  });

  describe('a program whose loop marks its task failed on any error, while somebody pauses everything', () => {
    const appName = `publisher-${transport}`;
    let client: TaskManager;
    beforeAll(async () => {
      client = await TaskManager.connect({ ...target(), appName });
    });
    afterAll(() => client?.close());

    async function begin(): Promise<string> {
      const id = await client.createTask('Publish', 'publish');
      await client.updateTaskStatus(id, TaskStatus.Running);
      return id;
    }

    async function publish(
      id: string,
      whilePaused: 'wait' | undefined,
      afterStep?: (step: number) => Promise<unknown>,
    ): Promise<void> {
      try {
        for (let step = 1; step <= STEPS; step++) {
          await client.updateTaskProgress(id, step, STEPS, whilePaused && { whilePaused });
          await afterStep?.(step);
        }
        await client.completeTask(id);
      } catch (error) {
        await client.markTaskAsFailed(id, String(error));
      }
    }

    const pauseAll = async (id: string) => {
      const { taskIds, more } = await operator.pauseAllRunningTasks({ appName });
      expect({ taskIds, more }).toEqual({ taskIds: [id], more: false });
    };

    it('by default goes on to its end: progress and completion are still taken', async () => {
      const id = await begin();
      await publish(id, undefined, async (step) => step === 3 && pauseAll(id));

      const history = await historyOf(id);
      expect(inShort(history)).toEqual([
        'TaskCreated',
        'TaskStarted 1',
        ...progress(1, 3),
        'TaskPaused',
        ...progress(4, STEPS),
        'TaskCompleted',
      ]);
      expect(history[5]).toMatchObject({ type: 'TaskPaused', actor: { id: 'operator' } });
      expect(history[6]).toMatchObject({ metadata: { status: 'paused' } });
      expect(await operator.getTask(id)).toMatchObject({ status: 'completed', progress: 100 });
    });

    it('with whilePaused: wait says that it stopped, stands still, and goes on when it is resumed', async () => {
      const id = await begin();
      const { position } = await operator.readEvents({ from: 'now' });
      let steps = 0;
      const published = publish(id, 'wait', async (step) => {
        steps = step;
        if (step === 3) await pauseAll(id);
      });
      const acknowledged = await operator.readEvents({
        ...(position === undefined ? {} : { from: position }),
        taskIds: [id],
        events: ['pause_acknowledged'],
        waitMs: 10_000,
      });
      expect(acknowledged.events).toHaveLength(1);
      expect(await operator.getTask(id)).toMatchObject({
        status: 'paused',
        pauseAcknowledged: true,
        completedItems: 4,
      });
      expect(steps).toBe(3);
      expect(await operator.resumeLastPausedTask({ appName })).toMatchObject({ taskId: id });
      await published;

      expect(inShort(await historyOf(id))).toEqual([
        'TaskCreated',
        'TaskStarted 1',
        ...progress(1, 3),
        'TaskPaused',
        ...progress(4, 4),
        'TaskPauseAcknowledged',
        'TaskResumed',
        ...progress(5, STEPS),
        'TaskCompleted',
      ]);
      expect(await operator.getTask(id)).toMatchObject({ status: 'completed' });
    });

    it.each([undefined, 'wait'] as const)(
      'never ends failed, however often everything is paused and resumed (whilePaused: %s)',
      async (whilePaused) => {
        const ids = await Promise.all(Array.from({ length: 10 }, begin));
        let running = ids.length;
        const programs = ids.map((id) =>
          publish(id, whilePaused).finally(() => {
            running--;
          }),
        );
        let paused = 0;
        while (running > 0) {
          paused += (await operator.pauseAllRunningTasks({ appName })).taskIds.length;
          while ((await operator.resumeLastPausedTask({ appName })) !== null);
        }
        await Promise.all(programs);
        expect(paused).toBeGreaterThan(0);
        for (const id of ids) {
          const types = (await historyOf(id)).map(({ type }) => type);
          expect(types).not.toContain('TaskFailed');
          expect(types.at(-1)).toBe('TaskCompleted');
        }
        expect(await operator.listTasks({ appName, statuses: ['failed', 'paused'] })).toEqual([]);
      },
    );
  });
});
