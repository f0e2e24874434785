import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type FeedEvent, TaskManager } from '@taskmanager/client';
import { type Broker, startBroker } from './nats.js';
import { type Service, startService } from './service.js';
import { until } from './until.js';

/** A real broker that is killed and started again under load. */

const TASKS = 20;
const ROUNDS = 3;
const ROUND_MS = 1_000;
const AWAY_MS = 500;

let broker: Broker;
let service: Service;
let writer: TaskManager;

beforeAll(async () => {
  broker = await startBroker();
  service = await startService({ NATS_URL: broker.url });
  await service.nats;
  writer = await TaskManager.connect({ transport: 'tcp', port: service.port, appName: 'app' });
});
afterAll(async () => {
  await writer?.close();
  await service?.close();
  await broker?.stop();
});

it('every event is read once and in order, and published in order, however often the broker goes', async () => {
  const ids = await Promise.all(
    Array.from({ length: TASKS }, (_, n) => writer.createTask(`task ${n}`, 'publish')),
  );
  await Promise.all(ids.map((id) => writer.startTask(id)));
  const read = new Reader(broker.url);
  const heard = await Subscriber.to(broker.url);
  const load = new Load(ids);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await delay(ROUND_MS);
      const { port } = broker;
      await broker.stop();
      await delay(AWAY_MS);
      broker = await startBroker({ port });
    }
    await heard.isBack();
    const last = await load.end();

    await until(() => ids.every((id) => read.revisions(id).at(-1) === last.get(id)));
    for (const id of ids) {
      const all = Array.from({ length: last.get(id)! + 1 }, (_, revision) => revision);
      expect(read.revisions(id)).toEqual(all);
    }
    // What is published while this subscriber is away is lost to it: core NATS keeps nothing.
    await until(() => ids.every((id) => heard.revisions(id).at(-1) === last.get(id)));
    for (const id of ids) {
      const once = [...new Set(heard.revisions(id))];
      expect(once).toEqual([...once].sort((a, b) => a - b));
    }
  } finally {
    await load.end();
    await read.close();
    await heard.close();
  }
}, 120_000);

/** Progress of all tasks over TCP, until it is ended; then once more, and how far each task is. */
class Load {
  private ending = false;
  private readonly running: Promise<Map<string, number>>;

  constructor(private readonly ids: readonly string[]) {
    this.running = this.run();
  }

  end(): Promise<Map<string, number>> {
    this.ending = true;
    return this.running;
  }

  private async run(): Promise<Map<string, number>> {
    const last = new Map<string, number>();
    for (let item = 1, final = false; !final; item++) {
      final = this.ending;
      await Promise.all(
        this.ids.map(async (id) => {
          const { revision } = await writer.updateTaskProgress(id, item, 1_000_000);
          last.set(id, revision);
        }),
      );
      await delay(5);
    }
    return last;
  }
}

/** What came, by task, in the order in which it came. */
abstract class Arrivals {
  private readonly byTask = new Map<string, number[]>();

  revisions(id: string): readonly number[] {
    return this.byTask.get(id) ?? [];
  }

  protected take({ taskId, revision }: FeedEvent): void {
    this.byTask.set(taskId, [...this.revisions(taskId), revision]);
  }
}

/** Follows the feed over NATS from its beginning, as any program would: from the last position on. */
class Reader extends Arrivals {
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  constructor(url: string) {
    super();
    this.running = this.follow(url);
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async follow(url: string): Promise<void> {
    const { signal } = this.stopping;
    const client = await TaskManager.connect({ transport: 'nats', servers: url });
    let from = 'start';
    while (!signal.aborted) {
      try {
        const page = await client.readEvents({ from, waitMs: 500 }, { signal });
        page.events.forEach((event) => this.take(event));
        from = page.position ?? from;
      } catch {
        // The broker is away: the same page is asked for again.
        await delay(50);
      }
    }
    await client.close();
  }
}

/** Hears what is published while it is connected. */
class Subscriber extends Arrivals {
  private constructor(private readonly connection: NatsConnection) {
    super();
    connection.subscribe('tasks.event.>', {
      callback: (_, message) => this.take(message.json<FeedEvent>()),
    });
  }

  static async to(url: string): Promise<Subscriber> {
    const options = { servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 20 };
    return new Subscriber(await connect(options));
  }

  /** What is published from here on reaches it. */
  async isBack(): Promise<void> {
    await until(() =>
      this.connection.flush().then(
        () => true,
        () => false,
      ),
    );
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
