import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  ADMIN_NAMES,
  type ExplainAnswer,
  isPosition,
  type JobAnswer,
  type JobsPage,
  type ParkedEventsPage,
  PROCESSOR_KINDS,
  PROCESSOR_STATES,
  type ProcessorsAnswer,
  type StuckTasksPage,
} from '@taskmanager/protocol';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog } from '../src/event-store/index.js';
import { LogAudit } from '../src/log-copy/log-audit.js';
import { setTimeout as delay } from 'node:timers/promises';
import { type Broker, startBroker } from './nats.js';
import { type Service, startService } from './service.js';
import { RawTcp, type RawReply } from './transport-raw.js';
import { until } from './until.js';

/** Admin messages and explain_task, through the whole service, over both transports. */

const folder = mkdtempSync(join(tmpdir(), 'taskmanager-admin-'));
const sha = (token: string) => createHash('sha256').update(token).digest('hex');
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
});

afterAll(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Ask = (subject: string, fields: object) => Promise<RawReply>;

const overNats = (nc: NatsConnection): Ask => {
  return async (subject, fields) =>
    (await nc.request(subject, JSON.stringify(fields), { timeout: 10_000 })).json<RawReply>();
};

/** Whether every event continues the hash chain of its stream. */
async function verifiedChain(log: EventLog, stream: string): Promise<boolean> {
  const audit = new LogAudit();
  for (const event of await log.readStream(stream)) audit.see(event);
  const { events, brokenLinks } = audit.report();
  return events > 0 && brokenLinks === 0;
}

/** What every message needs, so that only who asks can stand in its way. */
const FIELDS: Readonly<Record<string, object>> = {
  pause_processor: { name: 'tasks' },
  resume_processor: { name: 'tasks' },
  retry_parked_events: { processor: 'tasks' },
  discard_parked_events: { processor: 'retry', taskId: randomUUID() },
  pause_task_type: { taskType: 'clone' },
  resume_task_type: { taskType: 'clone' },
  limit_task_type: { taskType: 'clone', maxRunning: null },
  rebuild_projection: { projection: 'tasks' },
  verify_projection: { projection: 'tasks' },
  drop_projection_builds: { projection: 'tasks' },
  dry_run_projection: { projection: 'tasks' },
  get_job: { jobId: randomUUID() },
  abort_job: { jobId: randomUUID() },
  import_task: { taskId: randomUUID(), fromLog: '0a1b2c3d', events: [] },
};

describe.each(['TCP, without a token file', 'NATS, with a token file'])(
  'Admin messages over %s',
  (over) => {
    const isNats = over.startsWith('NATS');
    const token = isNats ? { token: 'operator' } : {};
    let service: Service;
    let tcp: RawTcp;
    let nc: NatsConnection;
    let ask: Ask;

    beforeAll(async () => {
      const tokens = join(folder, 'tokens.json');
      const callers = {
        [sha('operator')]: { id: 'operator', roles: ['admin'] },
        [sha('reader')]: { id: 'reader', roles: ['reader', 'client', 'worker', 'approver'] },
      };
      writeFileSync(tokens, JSON.stringify(callers));
      service = await startService({
        NATS_URL: broker.url,
        NATS_QUEUE: isNats ? 'with' : 'without',
        ...(isNats && { AUTH_FILE: tokens }),
      });
      await service.nats;
      tcp = await RawTcp.connect(service.port);
      nc = await connect({ servers: broker.url });
      ask = isNats ? overNats(nc) : (subject, fields) => tcp.request(subject, fields);
    });

    afterAll(async () => {
      await nc.close();
      await tcp.end();
      await service.close();
    });

    const ok = async <T>(name: string, fields: object = {}): Promise<T> => {
      const { err, response } = await ask(`tasks.admin.${name}`, { ...fields, meta: token });
      if (err) throw new Error(`${name}: ${JSON.stringify(err)}`);
      return response as T;
    };

    it('all have a handler', async () => {
      const { jobId } = await ok<JobAnswer>('verify_projection', { projection: 'tasks' });
      for (const name of ADMIN_NAMES) {
        const fields = name === 'get_job' || name === 'abort_job' ? { jobId } : FIELDS[name];
        expect([name, await ok(name, fields)]).toEqual([name, expect.any(Object)]);
      }
      // A view that is being rebuilt is two processors to the tests that follow.
      const running = async () => (await ok<JobsPage>('list_jobs', { states: ['running'] })).jobs;
      while ((await running()).length > 0) await delay(10);
    });

    it('list every processor with how it is doing', async () => {
      const { processors, head } = await ok<ProcessorsAnswer>('list_processors');
      expect(head === undefined || isPosition(head)).toBe(true);
      const names = processors.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      expect(names).toEqual(expect.arrayContaining(['tasks', 'retry', 'approval', 'timers']));
      for (const { kind, state, version, paused, failures, parked } of processors) {
        expect(PROCESSOR_KINDS).toContain(kind);
        expect(PROCESSOR_STATES).toContain(state);
        expect({ paused, parked }).toEqual({ paused: false, parked: 0 });
        expect(version).toBeGreaterThanOrEqual(1);
        expect(failures).toBeGreaterThanOrEqual(0);
      }
    });

    it.each(['tasks', 'retry', 'timers'])('pause and resume %s', async (name) => {
      const paused = async () => {
        const { processors } = await ok<ProcessorsAnswer>('list_processors');
        return processors.filter((each) => each.name === name).map((each) => each.paused);
      };
      expect(await ok('pause_processor', { name, reason: 'a test' })).toEqual({
        name,
        paused: true,
      });
      expect(await paused()).toEqual([true]);
      expect(await ok('resume_processor', { name })).toEqual({ name, paused: false });
      expect(await paused()).toEqual([false]);
    });

    it('are written to the log with who, what and why before they are done', async () => {
      await ok('pause_processor', { name: 'approval', reason: 'the host is moving' });
      await ok('list_processors');
      await ok('resume_processor', { name: 'approval' });
      const events = await service.log.readStream('admin', { direction: 'backwards', limit: 2 });
      const [resumed, paused] = events.map(({ type, data, metadata }) => ({
        type,
        data: JSON.parse(data) as object,
        metadata: JSON.parse(metadata) as object,
      }));
      const by = { id: isNats ? 'operator' : 'anonymous' };
      expect(paused).toMatchObject({
        type: 'AdminCommandSent',
        data: {
          command: 'pause_processor',
          args: { name: 'approval' },
          reason: 'the host is moving',
        },
        metadata: { actor: by, transport: isNats ? 'nats' : 'tcp' },
      });
      expect(resumed?.data).toEqual({ command: 'resume_processor', args: { name: 'approval' } });
      expect(await verifiedChain(service.log, 'admin')).toBe(true);
    });

    it('refuse a processor that there is not', async () => {
      const { err } = await ask('tasks.admin.pause_processor', { name: 'nobody', meta: token });
      expect(err).toMatchObject({ code: 'VALIDATION_FAILED', details: { field: 'name' } });
      expect(err?.message).toMatch(/there are .*retry.*tasks/);
    });

    it('explain a task to whoever may see it', async () => {
      const id = randomUUID();
      const meta = isNats ? { token: 'reader' } : {};
      const task = { id, name: 'n', taskType: 'index', appName: 'ci', meta };
      await ask('tasks.command.create_task', task);
      const { response } = await ask('tasks.query.explain_task', { id, meta });
      const { taskId, status, reasons } = response as ExplainAnswer;
      expect({ taskId, status }).toEqual({ taskId: id, status: 'pending' });
      expect(reasons[0]).toEqual({
        code: 'waits_for_app',
        text: expect.stringContaining('ci'),
        by: 'ci',
      });
      const stranger = await ask('tasks.query.explain_task', { id: randomUUID(), meta });
      expect(stranger.err?.code).toBe('TASK_NOT_FOUND');
    });

    it('are refused to everybody else', async () => {
      const meta = isNats ? { token: 'reader' } : { actor: { id: 'operator', roles: ['admin'] } };
      const other: Ask = isNats ? (to, fields) => tcp.request(to, fields) : overNats(nc);
      for (const name of ADMIN_NAMES) {
        const { err } = await other(`tasks.admin.${name}`, { ...FIELDS[name], meta });
        expect([name, err?.code]).toEqual([name, 'FORBIDDEN']);
      }
    });
  },
);

describe('Parked events', () => {
  /** What the endpoint has got, in order; it answers 500 to these tasks. */
  const got: { type: string; taskId: string }[] = [];
  const wrong = new Set<string>();
  let endpoint: Server;
  let service: Service;
  let client: RawTcp;

  beforeAll(async () => {
    endpoint = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        const { type, data } = JSON.parse(body) as { type: string; data: { taskId: string } };
        const refused = wrong.has(data.taskId);
        if (!refused) got.push({ type, taskId: data.taskId });
        response.writeHead(refused ? 500 : 200).end();
      });
    });
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
    const { port } = endpoint.address() as AddressInfo;
    const file = join(folder, 'endpoints.json');
    const webhook = { name: 'shop', url: `http://127.0.0.1:${port}/`, attempts: 2 };
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    writeFileSync(file, JSON.stringify({ webhooks: [{ ...webhook, secret }] }));
    service = await startService({ ENDPOINTS_FILE: file });
    client = await RawTcp.connect(service.port);
  });

  afterAll(async () => {
    await client.end();
    await service.close();
    await new Promise((resolve) => endpoint.close(resolve));
  });

  const processor = 'webhook:shop';
  const send = (name: string, fields: object) => client.ok(`tasks.command.${name}`, fields);
  const parked = async () =>
    (await client.ok<ParkedEventsPage>('tasks.admin.list_parked_events', { processor })).events;
  const typesOf = (id: string) =>
    got.filter(({ taskId }) => taskId === id).map(({ type }) => type.replace('task.', ''));

  /** A task whose first event is parked, with two more waiting behind it. */
  async function parkedTask(): Promise<string> {
    const id = randomUUID();
    wrong.add(id);
    await send('create_task', { id, name: 'n', taskType: 'index', appName: 'ci' });
    await send('start_task', { id });
    await send('complete_task', { id });
    await until(async () => (await parked()).some(({ taskId }) => taskId === id));
    return id;
  }

  it('are listed, and retried in order with what waits behind them; other tasks go on', async () => {
    const id = await parkedTask();
    const other = randomUUID();
    await send('create_task', { id: other, name: 'n', taskType: 'index', appName: 'ci' });
    await until(() => typesOf(other).length === 1);
    expect(await parked()).toEqual([
      {
        processor,
        taskId: id,
        revision: 0,
        position: expect.any(String),
        eventId: expect.any(String),
        type: 'TaskCreated',
        error: expect.stringContaining('500'),
        attempts: 2,
        parkedAt: expect.any(Number),
      },
    ]);
    const { tasks } = await client.ok<StuckTasksPage>('tasks.admin.list_stuck_tasks', {});
    expect(tasks).toMatchObject([{ taskId: id, kind: 'parked_event' }]);
    wrong.delete(id);
    const retry = { processor, taskId: id };
    expect(await client.ok('tasks.admin.retry_parked_events', retry)).toEqual({ requested: 1 });
    await until(async () => (await parked()).length === 0);
    expect(typesOf(id)).toEqual(['created', 'started', 'completed']);
    expect(await client.ok('tasks.admin.retry_parked_events', retry)).toEqual({ requested: 0 });
  });

  it('of a projection are never discarded', async () => {
    const discard = { processor: 'tasks', taskId: randomUUID() };
    expect(await client.refused('tasks.admin.discard_parked_events', discard)).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringContaining('it is a projection'),
    });
  });

  it('are discarded one by one, and only the one that was meant', async () => {
    const id = await parkedTask();
    const [{ eventId } = { eventId: '' }] = await parked();
    const discard = (fields: object) =>
      client.ok('tasks.admin.discard_parked_events', { processor, taskId: id, ...fields });
    expect(await discard({ eventId: randomUUID() })).toEqual({ requested: 0 });
    wrong.delete(id);
    expect(await discard({ eventId, reason: 'sent by hand' })).toEqual({ requested: 1 });
    await until(async () => (await parked()).length === 0);
    expect(typesOf(id)).toEqual(['started', 'completed']);
  });
});
