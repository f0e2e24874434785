import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { acceptAll, type Received } from '../../test/frame-server.js';
import { type Broker, startBroker } from '../../../../test/nats.js';
import { TaskManager } from '../index.js';

let broker: Broker;
let service: NatsConnection | undefined;
let client: TaskManager;
let received: Received[];

/** Answers everything on `tasks.>` but what `leaveOut` wants left without a reply. */
async function serve(leaveOut: (request: Received) => boolean = () => false, user?: string) {
  received = [];
  const nc = await connect({
    servers: broker.url,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    user,
  });
  nc.subscribe('tasks.>', {
    callback: (_error, message) => {
      const { id, data } = message.json<Received>();
      const request = { id, data, pattern: message.subject };
      received.push(request);
      if (leaveOut(request)) return;
      const answer = acceptAll(request, undefined as never) as object;
      message.respond(JSON.stringify({ ...answer, isDisposed: true, id }));
    },
  });
  await nc.flush();
  service = nc;
}

describe('over NATS', () => {
  beforeEach(async () => {
    broker = await startBroker();
    client = await TaskManager.connect({ transport: 'nats', servers: broker.url, actor: 'mia' });
  });

  afterEach(async () => {
    await client.close({ waitMs: 0 });
    await service?.close();
    await broker.stop();
  });

  it('the subject is the message, the payload carries the same body, answers find their caller', async () => {
    await serve();
    const answers = await Promise.all([client.startTask('a'), client.startTask('b')]);
    expect(answers.map(({ taskId }) => taskId)).toEqual(['a', 'b']);
    expect(received).toMatchObject([
      { pattern: 'tasks.command.batch', data: { meta: { actor: { id: 'mia' } } } },
    ]);
  });

  it('a command waits for a service to come, without a mark: nobody had heard it', async () => {
    const starting = client.startTask('a');
    await serve();
    expect(await starting).toMatchObject({ taskId: 'a' });
    expect(received[0]?.data.meta).not.toHaveProperty('retry');
  });

  it('nobody there is UNAVAILABLE when the time is over', async () => {
    await expect(client.startTask('a', { timeoutMs: 150 })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      details: { outcome: 'not_sent' },
      message: expect.stringContaining('No service listens'),
    });
  });

  it('a broken broker delays calls, and those in flight are sent again with the same commandId', async () => {
    await serve(() => received.length === 1);
    const starting = client.startTask('a');
    while (received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await broker.stop();
    const another = client.startTask('b');
    broker = await startBroker({ port: broker.port });
    expect(await starting).toMatchObject({ taskId: 'a' });
    expect(await another).toMatchObject({ taskId: 'b' });
    const items = received
      .slice(1)
      .flatMap(({ data }) => (data.commands as { args: unknown }[]) ?? [data]);
    const { commandId } = received[0]?.data.meta as { commandId: string };
    expect(JSON.stringify(items)).toContain(commandId);
  });

  it('what is larger than the broker takes is PAYLOAD_TOO_LARGE', async () => {
    await serve();
    await expect(client.updateTaskData('a', 'x'.repeat(2_000_000))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
    });
  });
});

describe('over NATS with a login', () => {
  afterEach(async () => {
    await service?.close();
    await broker.stop();
  });

  it('the credentials are shown; wrong ones are UNAUTHENTICATED at once', async () => {
    broker = await startBroker({ args: ['--user', 'app', '--pass', 'right'] });
    const servers = broker.url;
    const good = await TaskManager.connect({
      transport: 'nats',
      servers,
      credentials: { user: 'app', pass: 'right' },
    });
    await good.close();
    await expect(
      TaskManager.connect({
        transport: 'nats',
        servers,
        credentials: { user: 'app', pass: 'wrong' },
      }),
    ).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('a token is shown', async () => {
    broker = await startBroker({ args: ['--auth', 'secret'] });
    const credentials = { token: 'secret' };
    const good = await TaskManager.connect({ transport: 'nats', servers: broker.url, credentials });
    await good.close();
  });
});
