/** For tests of a worker as a program uses it, against the real service; what it does to tasks is read from their history. */
import { afterAll, afterEach, beforeAll, it } from '@jest/globals';
import {
  type FeedEvent,
  type RunningTask,
  type TaskHandler,
  type TaskInfo,
  type TaskLog,
  TaskManager,
  TaskManagerError,
  TaskWorker,
  type TaskWorkerOptions,
  type WorkerClient,
} from '@taskmanager/client';
import { setTimeout as delay } from 'node:timers/promises';
import { type Broker, startBroker } from './nats.js';
import { type Service, startService } from './service.js';

const LIMIT_MS = 10_000;

export type Transport = 'tcp' | 'nats';
export const TRANSPORTS = ['tcp', 'nats'] as const;

type WorkOptions = TaskWorkerOptions & { concurrency?: number; through?: WorkerClient };

/** In place of `it`: a test that is not declared. */
const NOT_AGAIN = Object.assign(() => undefined, {
  each: () => () => undefined,
}) as unknown as typeof it;

/** Of the tests that run now, as are all functions below. */
export let broker: Broker;
export let service: Service;
export let client: TaskManager;
const open: { stop(options: { now: boolean }): Promise<void> }[] = [];
let types = 0;

/** Within a `describe`: a service and a broker for its tests. */
export function withService(): void {
  beforeAll(async () => {
    broker = await startBroker();
    service = await startService({ NATS_URL: broker.url });
    await service.nats;
  });
  afterAll(async () => {
    await service?.close();
    await broker?.stop();
  });
}

/** Within a `describe` of those: a client over this transport, and an end of its workers after each test. */
export function withClient(transport: Transport): void {
  beforeAll(async () => {
    client = await connect(transport, 'operator');
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((worker) => worker.stop({ now: true })));
  });
  afterAll(() => client?.close());
}

export const connect = (transport: Transport, actor: string) =>
  transport === 'tcp'
    ? TaskManager.connect({ transport, port: service.port, actor, appName: 'app' })
    : TaskManager.connect({ transport, servers: broker.url, actor, appName: 'app' });

/** Declares a test of what a transport can make no difference to. */
export const onceOver = (transport: Transport) => (transport === 'tcp' ? it : NOT_AGAIN);

/** A type that no other test has tasks of. */
export const newType = () => `work_${++types}`;

export const create = (taskType: string, further: object = {}) =>
  client.createTask(taskType, taskType, 'app', undefined, { runBy: 'worker', ...further });

export function work(
  taskType: string,
  handler: TaskHandler,
  { concurrency, through = client, ...options }: WorkOptions = {},
): TaskWorker {
  const worker = new TaskWorker(through, { log: NO_LOG, ...options });
  worker.handle(taskType, handler, concurrency === undefined ? {} : { concurrency });
  worker.start();
  open.push(worker);
  return worker;
}

export async function until(id: string, isSo: (task: TaskInfo) => boolean): Promise<TaskInfo> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const task = await client.getTask(id);
    if (isSo(task)) return task;
    if (performance.now() > deadline) throw new Error(`It stays: ${JSON.stringify(task)}`);
    await delay(10);
  }
}
export const status = (id: string, wanted: string) => until(id, (task) => task.status === wanted);

export async function eventsOf(id: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { type } of client.taskHistory(id)) names.push(type);
  return names;
}

export const NO_LOG: TaskLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** What the client says of a command that may have taken effect. */
export function timeout(): TaskManagerError {
  return new TaskManagerError('TIMEOUT', 'No answer', { outcome: 'unknown' });
}

export function gateOf<T = void>() {
  let open!: (value: T) => void;
  const opened = new Promise<T>((resolve) => (open = resolve));
  return { open, opened };
}

export function stoppedBy({ signal }: RunningTask): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/**
 * A client that shows what passes through it. What `onAnswer` throws is what the caller gets in place of
 * the answer: an answer that was lost.
 */
export function overheard(
  client: TaskManager,
  {
    onAnswer,
    onEvent,
  }: {
    readonly onAnswer?: (command: string) => void | Promise<void>;
    readonly onEvent?: (event: FeedEvent) => void;
  },
): WorkerClient {
  return {
    command: async (name, args, options) => {
      const answer = await client.command(name, args, options);
      await onAnswer?.(name);
      return answer;
    },
    readEvents: async (request, options) => {
      const page = await client.readEvents(request, options);
      // In the turn after the worker has it.
      setImmediate(() => page.events.forEach((event) => onEvent?.(event)));
      return page;
    },
  };
}
