import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { BatchAnswer, CommandAnswer, HistoryPage, TaskInfo } from '@taskmanager/protocol';
import { randomUUID } from 'node:crypto';
import { type Broker, startBroker } from './nats.js';
import { type Service, startService } from './service.js';
import { RawTcp, type RawReply } from './transport-raw.js';

/** The whole application through both transports; what the transports do by themselves is tested beside. */
describe('The service', () => {
  let broker: Broker;
  let service: Service;
  let tcp: RawTcp;
  let nc: NatsConnection;

  beforeAll(async () => {
    broker = await startBroker();
    service = await startService({ NATS_URL: broker.url });
    await service.nats;
    tcp = await RawTcp.connect(service.port);
    nc = await connect({ servers: broker.url });
  });

  afterAll(async () => {
    await tcp.end();
    await nc.close();
    await service.close();
    await broker.stop();
  });

  const overNats = async (subject: string, data: unknown): Promise<RawReply> =>
    (await nc.request(subject, JSON.stringify({ id: '1', data }))).json<RawReply>();
  const overTcp = (subject: string, data: unknown): Promise<RawReply> => tcp.request(subject, data);
  const newTask = { name: 'n', taskType: 'copy', appName: 'shop' };

  it.each([
    ['TCP', overTcp, 'tcp'],
    ['NATS', overNats, 'nats'],
  ])('takes a task from create to complete over %s', async (_, send, transport) => {
    const id = randomUUID();
    const created = (await send('tasks.command.create_task', { id, ...newTask }))
      .response as CommandAnswer;
    expect(created).toMatchObject({ taskId: id, taskType: 'copy', status: 'pending', revision: 0 });
    await send('tasks.command.start_task', { id });
    await send('tasks.command.update_task_progress', { id, completedItems: 1, totalItems: 2 });
    const done = (await send('tasks.command.complete_task', { id, result: { ok: true } }))
      .response as CommandAnswer;
    expect(done).toMatchObject({ status: 'completed', revision: 3 });

    const query = { id, meta: { after: done.position } };
    const task = (await send('tasks.query.get_task', query)).response as TaskInfo;
    expect(task).toMatchObject({ id, status: 'completed', progress: 100, result: { ok: true } });
    const { events } = (await send('tasks.query.get_task_history', query)).response as HistoryPage;
    expect(events.map(({ type }) => type)).toEqual([
      'TaskCreated',
      'TaskStarted',
      'ProgressUpdated',
      'TaskCompleted',
    ]);
    expect(events[0]).toMatchObject({
      actor: { id: 'anonymous', roles: [], verified: false },
      metadata: { transport },
    });
  });

  it('does a command once however often and by whichever way it comes', async () => {
    const data = { ...newTask, meta: { commandId: randomUUID(), retry: true } };
    const [first, second] = [
      await overTcp('tasks.command.create_task', data),
      await overNats('tasks.command.create_task', data),
    ].map(({ response }) => response as CommandAnswer);
    expect(second).toEqual({ ...first, repeated: true });
  });

  it('never stores a token', async () => {
    const id = randomUUID();
    const meta = { token: 'very-secret-token', actor: { id: 'ann' } };
    await tcp.ok('tasks.command.create_task', { id, ...newTask, meta });
    const page = await tcp.ok<HistoryPage>('tasks.query.get_task_history', { id });
    expect(JSON.stringify(page)).not.toContain('very-secret-token');
  });

  it('answers a batch in order', async () => {
    const id = randomUUID();
    const { results } = await tcp.ok<BatchAnswer>('tasks.command.batch', {
      commands: [
        { command: 'create_task', args: { id, ...newTask } },
        { command: 'start_task', args: { id } },
        { command: 'resume_task', args: { id } },
        ...[1, 2, 3].map((completedItems) => ({
          command: 'update_task_progress',
          args: { id, completedItems, totalItems: 3 },
        })),
      ],
    });
    const told = results.map((each) => ('ok' in each ? each.ok.revision : each.error.code));
    expect(told).toEqual([0, 1, 'INVALID_TRANSITION', 2, 3, 4]);
  });

  it('refuses a position of another log', async () => {
    const id = randomUUID();
    await tcp.ok('tasks.command.create_task', { id, ...newTask });
    const after = `${service.log.logId === '00000000' ? '11111111' : '00000000'}:00000000000000000001`;
    const err = await tcp.refused('tasks.query.get_task', { id, meta: { after } });
    expect(err.code).toBe('VALIDATION_FAILED');
  });

  it('answers and then closes the log when it stops under load', async () => {
    const own = await startService();
    const client = await RawTcp.connect(own.port);
    const sent = Array.from({ length: 100 }, () =>
      client.request('tasks.command.create_task', newTask),
    );
    const first = await Promise.race(sent);
    expect(first).toHaveProperty('response');
    await own.close();
    for (const reply of await Promise.all(sent)) {
      expect(reply.err?.code ?? 'done').toMatch(/done|UNAVAILABLE/);
    }
  });
});
