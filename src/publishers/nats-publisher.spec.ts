import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, startBroker } from '../../test/nats.js';
import { Settings } from '../config/index.js';
import { ProgressUpdated, TaskCreated, TaskDataUpdated } from '../events/index.js';
import { TryLater } from '../processing/index.js';
import { NatsPublisher } from './nats-publisher.js';
import { AT, capturedLog, stored, TASK_ID } from './publishers.fixture.js';

const SUBJECT = `tasks.event.progress.import_files.${TASK_ID}`;

describe('The NATS publisher', () => {
  let broker: Broker | undefined;
  let publisher: NatsPublisher | undefined;
  let listener: NatsConnection | undefined;

  beforeEach(() => void capturedLog());
  afterEach(async () => {
    await publisher?.onApplicationShutdown();
    await listener?.close();
    await broker?.stop();
    publisher = listener = broker = undefined;
    Logger.overrideLogger(false);
  });

  const publishing = (env: Readonly<Record<string, string>>): NatsPublisher =>
    (publisher = new NatsPublisher(new Settings(env)));

  /** Everything that is published from now on, as a subscriber gets it. */
  async function subscribed(url: string, login: object = {}): Promise<Msg[]> {
    const messages: Msg[] = [];
    listener = await connect({
      servers: url,
      reconnectTimeWait: 50,
      maxReconnectAttempts: -1,
      ...login,
    });
    listener.subscribe('tasks.event.>', { callback: (_, message) => void messages.push(message) });
    await listener.flush();
    return messages;
  }

  it('is there when NATS is, unless that was not wanted', () => {
    expect(publishing({}).publishers()).toEqual([]);
    expect(publishing({ NATS_URL: 'x', NATS_EVENTS: 'false' }).publishers()).toEqual([]);
    expect(publishing({ NATS_URL: 'x' }).publishers()).toMatchObject([
      { name: 'nats', kind: 'publisher', beginsAt: 'now', filter: { streamPrefix: 'task-' } },
    ]);
  });

  it('publishes an event as the feed has it, on its subject, under its id', async () => {
    broker = await startBroker();
    const messages = await subscribed(broker.url);
    const event = stored(new ProgressUpdated({ progress: 40, message: 'ä' }));
    await publishing({ NATS_URL: broker.url }).handle(event);
    await listener!.flush();
    expect(messages).toHaveLength(1);
    expect(messages[0]!.subject).toBe(SUBJECT);
    expect(messages[0]!.headers!.get('Nats-Msg-Id')).toBe(event.id);
    expect(messages[0]!.json()).toEqual({
      event: 'progress',
      type: 'ProgressUpdated',
      position: event.position,
      revision: event.revision,
      taskId: TASK_ID,
      taskType: 'import_files',
      appName: 'shelf',
      status: 'running',
      at: AT,
      actor: { id: 'alice', roles: ['client'], verified: true },
      data: { progress: 40, message: 'ä' },
    });
  });

  it('makes one connection, whoever comes first, and keeps the order of what it is given', async () => {
    broker = await startBroker();
    const messages = await subscribed(broker.url);
    const nats = publishing({ NATS_URL: broker.url });
    const events = Array.from({ length: 200 }, () => stored());
    await Promise.all(events.map((event) => nats.handle(event)));
    await listener!.flush();
    const revisions = messages.map((message) => message.json<{ revision: number }>().revision);
    expect(revisions).toEqual(events.map(({ revision }) => revision));
    expect(listener!.stats().inMsgs).toBe(200);
  });

  it('resolves when the broker has the event, not before', async () => {
    broker = await startBroker();
    const messages = await subscribed(broker.url);
    await publishing({ NATS_URL: broker.url }).handle(stored());
    // Whoever asks the broker now is answered behind the event.
    await listener!.flush();
    expect(messages).toHaveLength(1);
  });

  it('tries later while the broker is away, keeps nothing, and goes on when it is back', async () => {
    broker = await startBroker();
    const { port, url } = broker;
    const messages = await subscribed(url);
    const nats = publishing({ NATS_URL: url });
    await nats.handle(stored());
    await listener!.flush();
    await broker.stop();
    const missed = Array.from({ length: 30 }, () => stored());
    for (const outcome of await Promise.allSettled(missed.map((event) => nats.handle(event)))) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(TryLater) });
    }
    await expect(nats.handle(stored())).rejects.toThrow(TryLater);

    broker = await startBroker({ port });
    while (
      listener!.isClosed() ||
      !(await listener!.flush().then(
        () => true,
        () => false,
      ))
    );
    await nats.handle(missed[0]!);
    await listener!.flush();
    // What was refused meanwhile is for the caller to give again: nothing comes by itself.
    const ids = messages.map((message) => message.headers!.get('Nats-Msg-Id'));
    expect(ids).toHaveLength(2);
    expect(ids[1]).toBe(missed[0]!.id);
  });

  it('publishes without its data what is larger than the broker takes, and says so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'taskmanager-nats-'));
    writeFileSync(join(folder, 'nats.conf'), 'max_payload: 4096\n');
    broker = await startBroker({ args: ['-c', join(folder, 'nats.conf')] });
    const messages = await subscribed(broker.url);
    const nats = publishing({ NATS_URL: broker.url });
    await nats.handle(stored(new TaskDataUpdated({ data: 'x'.repeat(5_000) })));
    await nats.handle(stored(new TaskDataUpdated({ data: 'x'.repeat(2_000) })));
    await listener!.flush();
    expect(messages.map((message) => message.json())).toMatchObject([
      { event: 'data', taskId: TASK_ID, data: {}, truncated: true },
      { event: 'data', data: { data: 'x'.repeat(2_000) } },
    ]);
    expect(messages[1]!.json()).not.toHaveProperty('truncated');
    rmSync(folder, { recursive: true });
  });

  it('takes no event as published that the broker does not let it publish', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'taskmanager-nats-'));
    const users = `authorization { users = [
      { user: tm, password: pw, permissions: { publish: "tasks.event.created.>" } }
      { user: reader, password: pw } ] }`;
    writeFileSync(join(folder, 'nats.conf'), users);
    broker = await startBroker({ args: ['-c', join(folder, 'nats.conf')] });
    const messages = await subscribed(broker.url, { user: 'reader', pass: 'pw' });
    const nats = publishing({ NATS_URL: broker.url, NATS_USER: 'tm', NATS_PASSWORD: 'pw' });
    const create = new TaskCreated({
      name: 'n',
      taskType: 't',
      appName: 'a',
      runBy: 'app',
      persistent: false,
      maxRetries: 0,
      retryDelayMs: 0,
      backoff: { type: 'fixed' },
      priority: 0,
      labels: {},
    });
    const outcomes = await Promise.allSettled([
      nats.handle(stored(create)),
      nats.handle(stored()),
      nats.handle(stored(create)),
    ]);
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: expect.any(TryLater) },
      { status: 'fulfilled' },
    ]);
    expect(String((outcomes[1] as PromiseRejectedResult).reason)).toContain(
      `the broker does not let this service publish on ${SUBJECT}`,
    );
    await listener!.flush();
    expect(messages).toHaveLength(2);
    rmSync(folder, { recursive: true });
  });

  it('gives up a broker that says nothing any more, and connects anew', async () => {
    const silent = await SilentBroker.start();
    const nats = publishing({ NATS_URL: `nats://127.0.0.1:${silent.port}` });
    await expect(nats.handle(stored())).rejects.toThrow('the connection to the broker broke');
    expect(silent.connections).toBe(1);
    await expect(nats.handle(stored())).rejects.toThrow(TryLater);
    expect(silent.connections).toBe(2);
    await silent.stop();
  });

  it('closes its connection when the service stops, and makes no other', async () => {
    broker = await startBroker();
    const nats = publishing({ NATS_URL: broker.url });
    await nats.handle(stored());
    await nats.onApplicationShutdown();
    await expect(nats.handle(stored())).rejects.toThrow(TryLater);
  });
});

/** Answers the first ping of each connection, which is the client's own, and nothing after it. */
class SilentBroker {
  connections = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<SilentBroker> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const broker = new SilentBroker(server);
    server.on('connection', (socket) => broker.greet(socket));
    return broker;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private greet(socket: Socket): void {
    this.connections += 1;
    this.sockets.add(socket);
    const info = {
      server_id: 'x',
      version: '2.9.0',
      proto: 1,
      headers: true,
      max_payload: 1_048_576,
    };
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    let isAnswered = false;
    socket
      .on('error', () => undefined)
      .on('data', (data) => {
        if (isAnswered || !data.includes('PING')) return;
        isAnswered = true;
        socket.write('PONG\r\n');
      });
  }
}
