import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import type { PublishedEvent } from '@taskmanager/protocol';
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.js';
import { type Broker, startBroker } from './nats.js';
import { type Service, startService } from './service.js';

const LIMIT_MS = 60_000;
/** Of one task: created, started, progress, completed. */
const EVENTS = 4;

/**
 * The service reaches the broker through a proxy, so that after a restart of the broker the subscriber
 * is there first: NATS itself keeps nothing for those who come later.
 */
describe('Events published on NATS', () => {
  let broker: Broker;
  let proxy: CuttingProxy;
  let service: Service;
  let client: TaskManager;
  let subscriber: NatsConnection;
  const messages: Msg[] = [];
  let tasks = 0;

  beforeAll(async () => {
    broker = await startBroker();
    proxy = await startCuttingProxy(broker.port);
    subscriber = await connect({
      servers: broker.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    });
    subscriber.subscribe('tasks.event.>', {
      callback: (_, message) => void messages.push(message),
    });
    await subscriber.flush();
    service = await startService({ NATS_URL: `nats://127.0.0.1:${proxy.port}` });
    await service.nats;
    client = await TaskManager.connect({ transport: 'tcp', port: service.port, appName: 'load' });
  });

  afterAll(async () => {
    await client?.close();
    await service?.close();
    await subscriber?.close();
    await proxy?.close();
    await broker?.stop();
  });

  async function work(count: number): Promise<void> {
    const one = async () => {
      const id = await client.createTask('Work', 'load_test');
      await client.startTask(id);
      await client.updateTaskProgress(id, 1, 2);
      await client.completeTask(id);
    };
    await Promise.all(Array.from({ length: count }, one));
    tasks += count;
  }

  /** The subscriber has every event of every task, in order, whatever came twice. */
  async function complete(): Promise<void> {
    const limit = performance.now() + LIMIT_MS;
    const distinct = () => new Set(messages.map((message) => message.headers?.get('Nats-Msg-Id')));
    while (distinct().size < tasks * EVENTS) {
      if (performance.now() > limit) throw new Error(`${distinct().size} events of ${tasks} tasks`);
      await delay(20);
    }
    const byTask = new Map<string, number[]>();
    for (const message of messages) {
      const { event, taskId, revision } = message.json<PublishedEvent>();
      expect(message.subject).toBe(`tasks.event.${event}.load_test.${taskId}`);
      const revisions = byTask.get(taskId) ?? [];
      byTask.set(taskId, revisions);
      if (!revisions.includes(revision)) revisions.push(revision);
    }
    expect([...byTask.values()]).toEqual(Array.from({ length: tasks }, () => [0, 1, 2, 3]));
  }

  async function restartBroker(): Promise<void> {
    proxy.cut();
    await broker.stop();
    // Commands go on without it.
    await work(20);
    broker = await startBroker({ port: broker.port });
    const limit = performance.now() + LIMIT_MS;
    const isBack = () =>
      subscriber.flush().then(
        () => true,
        () => false,
      );
    while (!(await isBack())) if (performance.now() > limit) throw new Error('not back');
    proxy.restore();
  }

  it('come to a subscriber in order for each task', async () => {
    await work(20);
    await complete();
    expect(messages).toHaveLength(20 * EVENTS);
  });

  it('are not lost when the connection breaks again and again with events on their way', async () => {
    for (let round = 0; round < 10; round += 1) {
      const before = messages.length;
      const working = work(20);
      const limit = performance.now() + LIMIT_MS;
      while (messages.length < before + 10) {
        if (performance.now() > limit) throw new Error('nothing comes');
        await new Promise((resolve) => setImmediate(resolve));
      }
      proxy.cut();
      await working;
      proxy.restore();
    }
    await complete();
  });

  it('come after all when the broker was stopped and started again under load', async () => {
    const during = work(50);
    proxy.cut();
    await during;
    await restartBroker();
    await complete();
  });
});
