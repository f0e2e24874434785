import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ProcessorRunner } from '../src/processing/index.js';
import {
  type Received,
  Receiver,
  SECRET,
  status,
  verified,
} from '../src/publishers/publishers.fixture.js';
import { type Service, startService } from './service.js';

/** Events of one task, in this order: created, started, three times progress, completed. */
const EVENTS = 6;
const TASKS = 30;
/** For whatever has to happen by itself. */
const LIMIT_MS = 60_000;

interface Delivery {
  readonly data: { readonly taskId: string; readonly revision: number };
}

/** Resolves when it holds; rejects after a while with what it was about. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > limit) throw new Error(`It did not come to: ${what}.`);
    await delay(20);
  }
}

describe('Webhooks of a service under load', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taskmanager-webhooks-'));
  const receivers: Record<string, Receiver> = {};
  const held: (() => void)[] = [];
  let isHolding = true;
  /** What the endpoint that fails nine times of ten has taken. */
  const taken: Received[] = [];
  /** What the service has logged, at its most talkative. */
  let logged = '';
  let service: Service;
  let client: TaskManager;

  beforeAll(async () => {
    for (const name of ['good', 'held', 'flaky', 'wrong', 'gone', 'skipped']) {
      receivers[name] = await Receiver.start();
    }
    const webhooks = Object.entries(receivers).map(([name, { url }]) => ({
      name,
      url,
      secret: SECRET,
      appNames: ['load'],
      timeoutMs: 60_000,
      attempts: name === 'flaky' ? 3 : 2,
    }));
    const file = join(folder, 'endpoints.json');
    writeFileSync(file, JSON.stringify({ webhooks }));
    of('held').answer = (response) => {
      const answer = () => void response.writeHead(204).end();
      if (isHolding) held.push(answer);
      else answer();
    };
    of('flaky').answer = (response, received, request) => {
      const takes = of('flaky').received.length % 10 === 0;
      if (takes) taken.push(received);
      status(takes ? 204 : 500)(response, received, request);
    };
    of('wrong').answer = status(500);
    of('skipped').answer = status(410);
    await of('gone').stop();
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((text) => {
        logged += String(text);
        return true;
      });
    }
    service = await startService({ ENDPOINTS_FILE: file, LOG_LEVEL: 'debug' });
    const { port } = service;
    client = await TaskManager.connect({ transport: 'tcp', port, appName: 'load' });
    // A new publisher begins with what comes from now on: not before it has begun.
    for (const name of Object.keys(receivers)) {
      await until(`${name} has begun`, async () => {
        const [status] = await run(name).status(undefined);
        return status?.state === 'live';
      });
    }
  });

  afterAll(async () => {
    await client?.close();
    await service?.close();
    jest.restoreAllMocks();
    await Promise.all(Object.values(receivers).map((receiver) => receiver.stop()));
    rmSync(folder, { recursive: true });
  });

  const of = (name: string): Receiver => receivers[name]!;

  const run = (name: string) =>
    service.app
      .get(ProcessorRunner)
      .runs()
      .find((each) => each.name === `webhook:${name}`)!;

  /** The revisions of each task in the order of their coming, without repeats. */
  function byTask(requests: readonly Received[]): number[][] {
    const tasks = new Map<string, number[]>();
    for (const request of requests) {
      const { taskId, revision } = (verified(request) as Delivery).data;
      const revisions = tasks.get(taskId) ?? [];
      tasks.set(taskId, revisions);
      if (!revisions.includes(revision)) revisions.push(revision);
    }
    return [...tasks.values()];
  }

  const everyTask = (...revisions: number[]) => Array.from({ length: TASKS }, () => revisions);

  it('every command is answered while an endpoint does not answer at all', async () => {
    const work = async () => {
      const id = await client.createTask('Work', 'load_test');
      await client.startTask(id);
      for (const done of [1, 2, 3]) await client.updateTaskProgress(id, done, 4);
      await client.completeTask(id);
    };
    await Promise.all(Array.from({ length: TASKS }, work));
    // Not one delivery of that endpoint has ended, and no more than so many have begun.
    expect(of('held').received.length).toBeLessThanOrEqual(16);
    expect(of('held').received).toHaveLength(held.length);
  });

  it('an endpoint that takes them gets all events, signed, in order for each task', async () => {
    await until('every event', () => of('good').received.length >= TASKS * EVENTS);
    expect(byTask(of('good').received)).toEqual(everyTask(0, 1, 2, 3, 4, 5));
    expect(of('good').received).toHaveLength(TASKS * EVENTS);
  });

  it('one that is slow gets them later, in order too', async () => {
    isHolding = false;
    for (const answer of held.splice(0)) answer();
    await until('every event', () => of('held').received.length >= TASKS * EVENTS);
    expect(byTask(of('held').received)).toEqual(everyTask(0, 1, 2, 3, 4, 5));
  });

  it.each([
    ['wrong', 'answered 500'],
    ['gone', 'could not be reached: ECONNREFUSED'],
    ['skipped', 'answered 410'],
  ])('one that is %s has the first event of each task parked, and no more', async (name, error) => {
    await until('one parked event for each task', async () => {
      const { length } = await run(name).parked();
      return length === TASKS;
    });
    for (const event of await run(name).parked()) {
      expect(event).toMatchObject({ revision: 0, attempts: 2, error });
    }
    if (name !== 'gone') expect(of(name).received).toHaveLength(TASKS * 2);
  });

  it('what was parked is delivered with what waits behind it once the endpoint is mended', async () => {
    of('wrong').answer = status(204);
    const before = of('wrong').received.length;
    expect(await run('wrong').release('retry')).toBe(TASKS);
    const since = () => of('wrong').received.slice(before);
    await until('every event', () => since().length >= TASKS * EVENTS);
    expect(byTask(since())).toEqual(everyTask(0, 1, 2, 3, 4, 5));
    await until('nothing parked', async () => (await run('wrong').parked()).length === 0);
  });

  it('what was discarded is passed over, and what waits behind it is delivered', async () => {
    of('skipped').answer = status(204);
    const before = of('skipped').received.length;
    expect(await run('skipped').release('discard')).toBe(TASKS);
    const since = () => of('skipped').received.slice(before);
    await until('every other event', () => since().length >= TASKS * (EVENTS - 1));
    expect(byTask(since())).toEqual(everyTask(1, 2, 3, 4, 5));
  });

  it('one that fails nine times of ten gets all in order when what was parked is retried', async () => {
    await until('every event', async () => {
      if ((await run('flaky').parked()).length > 0) await run('flaky').release('retry');
      return byTask(taken).flat().length === TASKS * EVENTS;
    });
    expect(byTask(taken)).toEqual(everyTask(0, 1, 2, 3, 4, 5));
  });

  it('and the secret stands in no line of the log, no status and no parked event', async () => {
    const statuses = await service.app.get(ProcessorRunner).status();
    const parked = await run('gone').parked();
    expect(parked).toHaveLength(TASKS);
    expect(logged).toContain('webhook:gone');
    for (const text of [logged, JSON.stringify({ statuses, parked })]) {
      expect(text).not.toContain(SECRET.slice(6));
    }
  });
});

describe('Approvers of a service with endpoints', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taskmanager-webhooks-'));
  let receiver: Receiver;
  let service: Service;
  let client: TaskManager;

  beforeAll(async () => {
    receiver = await Receiver.start();
    const file = join(folder, 'endpoints.json');
    const url = receiver.url.replace('http://', 'http://tm:hunter2@');
    const chat = { name: 'chat', url: `${url}?token=1`, secret: SECRET, events: [] };
    const approvers = { ann: ['chat'], 'role:lead': ['chat'] };
    writeFileSync(file, JSON.stringify({ webhooks: [chat], approvers }));
    service = await startService({ ENDPOINTS_FILE: file });
    const { port } = service;
    client = await TaskManager.connect({ transport: 'tcp', port, appName: 'votes' });
  });

  afterAll(async () => {
    await client?.close();
    await service?.close();
    await receiver?.stop();
    rmSync(folder, { recursive: true });
  });

  it('are told by theirs, the others by the log, and the history says which', async () => {
    const id = await client.createTask('Publish', 'publish');
    await client.startTask(id);
    await client.requestApproval(id, { approvers: ['ann', 'bob', 'role:lead'], quorum: 2 });
    const told = async () => {
      const { events } = await client.readEvents({
        taskIds: [id],
        events: ['approvers_notified'],
        waitMs: 1_000,
      });
      return events.map(({ data }) => data);
    };
    await until('two outcomes', async () => (await told()).length === 2);
    expect(await told()).toEqual([
      { kind: 'requested', channel: 'chat', outcome: 'delivered' },
      { kind: 'requested', channel: 'log', outcome: 'delivered' },
    ]);
    expect(receiver.received.map(verified)).toMatchObject([
      { type: 'approval.requested', data: { taskId: id, to: ['ann', 'role:lead'], quorum: 2 } },
    ]);
  });

  it('and endpoints are listed without what is secret', async () => {
    const list = await client.admin.listEndpoints();
    expect(list).toEqual({
      webhooks: [
        {
          name: 'chat',
          url: receiver.url,
          events: [],
          timeoutMs: 10_000,
          attempts: 20,
          allowPrivateRedirects: false,
        },
      ],
      approvers: { ann: ['chat'], 'role:lead': ['chat'] },
    });
  });
});
