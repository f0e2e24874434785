import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { TaskManager } from '@taskmanager/client';
import { type Broker, startBroker } from './nats.js';
import { type Service, startService } from './service.js';

describe('requests that look ordinary and are not', () => {
  let broker: Broker;
  let service: Service;
  let client: TaskManager;
  let nats: NatsConnection;

  beforeAll(async () => {
    broker = await startBroker();
    service = await startService({ NATS_URL: broker.url });
    await service.nats;
    client = await TaskManager.connect({ transport: 'tcp', port: service.port, appName: 'app' });
    nats = await connect({ servers: broker.url });
  });
  afterAll(async () => {
    await nats?.close();
    await client?.close();
    await service?.close();
    await broker?.stop();
  });

  it('read every task that commands can make, whatever kind of UUID its id is', async () => {
    const id = '11111111-1111-1111-1111-111111111111';
    await client.createTask('any', 'publish', 'app', undefined, { id });
    expect((await client.getTask(id)).id).toBe(id);
    expect((await client.getTaskHistory(id)).events).toHaveLength(1);
  });

  it('take a batch with a commandId once, though its commands have none', async () => {
    const args = { name: 'once', taskType: 'batched', appName: 'app' };
    const commands = [
      { command: 'create_task', args },
      { command: 'create_task', args },
    ];
    const commandId = randomUUID();
    const first = await client.command('batch', { commands }, { commandId });
    const again = await client.command('batch', { commands }, { commandId });
    expect(again.results).toEqual(
      first.results.map((result) => ({
        ok: { ...('ok' in result ? result.ok : {}), repeated: true },
      })),
    );
    expect(await client.listTasks({ taskTypes: ['batched'] })).toHaveLength(2);
  });

  it('count a task type by any name', async () => {
    await client.createTask('odd', 'constructor');
    const { byType } = await client.query('task_stats', { taskTypes: ['constructor'] });
    expect(byType).toEqual({ constructor: { pending: 1 } });
    expect('pending' in Object).toBe(false);
  });

  it('search for text with a NUL in it', async () => {
    await client.createTask('left\u0000pad', 'publish');
    expect(await client.listTasks({ text: 'left\u0000pad' })).toHaveLength(1);
    expect(await client.listTasks({ text: 'a\u0000b' })).toHaveLength(0);
  });

  it('refuse a place in the feed that the log has not reached', async () => {
    const { position } = await client.query('read_events', { from: 'now' });
    const beyond = `${position?.slice(0, 9)}${'9'.repeat(20)}`;
    await expect(client.query('read_events', { from: beyond })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { field: 'from' },
    });
  });

  it('update data over NATS bare as well as in an envelope', async () => {
    const id = await client.createTask('bare', 'publish');
    const send = async (body: object) =>
      (await nats.request('tasks.command.update_task_data', JSON.stringify(body))).json<object>();
    expect(await send({ id, data: { z: 1 } })).toMatchObject({ response: { taskId: id } });
    expect((await client.getTask(id)).data).toEqual({ z: 1 });
    expect(await send({ id: 'r1', data: { id, data: { z: 2 } } })).toMatchObject({ id: 'r1' });
    await client.query('read_events', { from: 'now' });
    expect((await client.getTask(id)).data).toEqual({ z: 2 });
  });
});
