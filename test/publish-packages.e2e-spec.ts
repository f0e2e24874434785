import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  generatePackages,
  KNOWN,
  PACKAGES,
  servePackages,
} from '../examples/publish-packages/package-server.mjs';
import { publishPackages } from '../examples/publish-packages/publish-packages.mjs';
import { type Broker, startBroker } from './nats.js';
import { type Service, startService } from './service.js';

const CHUNKS = 3 + 11 + 14;

let broker: Broker;
let service: Service;
let folder: string;

beforeAll(async () => {
  broker = await startBroker();
  service = await startService({ NATS_URL: broker.url });
  await service.nats;
  folder = await mkdtemp(join(tmpdir(), 'publish-e2e-'));
  await generatePackages(folder);
});

afterAll(async () => {
  await service?.close();
  await broker?.stop();
  if (folder) await rm(folder, { recursive: true });
});

describe.each(['tcp', 'nats'] as const)('publishing packages over %s', (transport) => {
  let client: TaskManager;
  let approver: TaskManager;

  const connect = (actor: string) =>
    transport === 'tcp'
      ? TaskManager.connect({ transport, port: service.port, actor })
      : TaskManager.connect({ transport, servers: broker.url, actor });

  beforeAll(async () => {
    client = await connect('package-manager');
    approver = await connect('release-manager');
  });

  afterAll(() => Promise.all([client?.close(), approver?.close()]));

  async function publish(
    options: { breakChunk?: string; known?: readonly string[]; reject?: string } = {},
  ) {
    const server = await servePackages(folder, options);
    const output = await mkdtemp(join(folder, 'out-'));
    try {
      const outcome = await publishPackages(client, {
        packages: PACKAGES,
        known: options.known ?? KNOWN,
        source: server.url,
        folder: output,
        onWaiting: (taskId: string) =>
          void (options.reject === undefined
            ? approver.approveTask(taskId, { comment: 'Ship it' })
            : approver.rejectTask(taskId, options.reject)),
      });
      return { ...outcome, output };
    } finally {
      await server.close();
    }
  }

  async function historyOf(taskId: string) {
    const events = [];
    for await (const event of client.taskHistory(taskId)) events.push(event);
    return events;
  }

  it('goes from created to completed, and the history says so event by event', async () => {
    const { taskId, status, output } = await publish();
    expect(status).toBe('completed');

    const task = await client.getTask(taskId);
    expect(task).toMatchObject({
      taskType: 'publish',
      appName: 'package-manager',
      status: 'completed',
      progress: 100,
      completedItems: CHUNKS,
      totalItems: CHUNKS,
    });

    const history = await historyOf(taskId);
    const numbered = history.map(({ revision }) => revision);
    expect(numbered).toEqual(history.map((_, index) => index));
    // Told by the service itself, beside the run: who has answered already is not told any more.
    const own = history.filter(({ type }) => type !== 'ApproversNotified');
    expect(history.length - own.length).toBeLessThanOrEqual(1);
    expect(own.map(({ type }) => type)).toEqual([
      'TaskCreated',
      'TaskStarted',
      'TaskDataUpdated',
      ...Array.from({ length: CHUNKS }, () => 'ProgressUpdated'),
      'TaskApprovalRequested',
      'TaskApprovalGiven',
      'TaskApproved',
      'TaskCompleted',
    ]);
    const [created, started, data, ...rest] = own;
    expect(created).toMatchObject({
      actor: { id: 'package-manager', verified: false },
      data: { name: 'Publish left-pad@2.0.0, date-words@1.4.2, tiny-router@0.9.1', runBy: 'app' },
    });
    expect(started).toMatchObject({ data: { attempt: 1 } });
    expect((data?.data as { data: { chunks: unknown[] } }).data.chunks).toHaveLength(CHUNKS);
    const progress = rest.slice(0, CHUNKS).map((event) => event.data);
    expect(progress).toMatchObject(
      progress.map((_, index) => ({ completedItems: index + 1, totalItems: CHUNKS })),
    );
    const [requested, given, approved, completed] = rest.slice(CHUNKS);
    expect(requested).toMatchObject({ actor: { id: 'package-manager' } });
    expect(given).toMatchObject({ data: { by: 'release-manager', comment: 'Ship it' } });
    expect(approved).toMatchObject({ actor: { id: 'release-manager' } });
    expect(completed).toMatchObject({
      data: { result: { files: [{ name: 'left-pad' }, {}, {}] } },
    });

    for (const { name } of PACKAGES) {
      const [from, to] = [join(folder, `${name}.tgz`), join(output, `${name}.tgz`)];
      const sums = await Promise.all([from, to].map(async (file) => sha256(await readFile(file))));
      expect(sums[0]).toBe(sums[1]);
    }
  });

  it('ends failed when a chunk is broken, and says which', async () => {
    const { taskId, status, error } = await publish({ breakChunk: 'date-words:3' });
    expect(status).toBe('failed');
    expect(error).toContain('chunk 3 of package date-words is broken');
    const task = await client.getTask(taskId);
    expect(task).toMatchObject({ status: 'failed', error });
    const types = (await historyOf(taskId)).map(({ type }) => type);
    expect(types.at(-1)).toBe('TaskFailed');
    expect(types).not.toContain('TaskApprovalRequested');
  });

  it('ends failed before any download when a dependency is not known', async () => {
    const { taskId, error } = await publish({ known: [] });
    expect(error).toBe('package tiny-router depends on event-bus, which is not known');
    const types = (await historyOf(taskId)).map(({ type }) => type);
    expect(types).toEqual(['TaskCreated', 'TaskStarted', 'TaskFailed']);
  });

  it('ends failed when the release manager says no', async () => {
    const { taskId, status } = await publish({ reject: 'Not on a Friday' });
    expect(status).toBe('failed');
    const types = (await historyOf(taskId)).map(({ type }) => type);
    expect(types.slice(-2)).toEqual(['TaskRejected', 'TaskFailed']);
    expect((await client.getTask(taskId)).error).toContain('Not on a Friday');
  });
});

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
