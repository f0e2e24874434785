import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FeedEvent, Json, TaskInfo } from '@taskmanager/protocol';
import { getEventListeners, getMaxListeners } from 'node:events';
import { inspect } from 'node:util';
import { TaskManagerError } from '../errors.js';
import type { WorkerClient } from './insist.js';
import type { RunningTask, TaskLog } from './running-task.js';
import type { TaskStopped } from './task-stopped.js';
import { TaskWorker } from './task-worker.js';

/** What a worker does when things go wrong in an order that no service can be brought to: a fake in its place. */

interface Sent {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal | undefined;
}

/** Answers claims with what is put into it, and whatever is sent about a task with its next revision. */
class FakeService {
  readonly sent: Sent[] = [];
  /** Throws in place of an answer. */
  refuse: (sent: Sent) => Error | undefined = () => undefined;
  private readonly tasks: TaskInfo[] = [];
  private readonly events: FeedEvent[] = [];
  private wakers: (() => void)[] = [];
  private revision = 10;

  readonly client = {
    command: async (name, args, options) => {
      const sent = { name, args, signal: options?.signal } as Sent;
      this.sent.push(sent);
      this.wake();
      const refusal = this.refuse(sent);
      if (refusal) throw refusal;
      if (name !== 'claim_tasks') return { revision: ++this.revision, status: 'running' };
      const wanted = args as { waitMs: number; taskTypes: string[] };
      const isWanted = ({ taskType }: TaskInfo) => wanted.taskTypes.includes(taskType);
      if (wanted.waitMs > 0) await this.until(() => this.tasks.some(isWanted), options?.signal);
      const index = this.tasks.findIndex(isWanted);
      return { tasks: index < 0 ? [] : this.tasks.splice(index, 1) };
    },
    readEvents: async ({ from } = {}, options) => {
      const page = { caughtUp: true, events: [] };
      if (from === 'now') return { ...page, position: '0' };
      const seen = Number(from);
      await this.until(() => this.events.length > seen, options?.signal);
      const events = this.events.slice(seen);
      return { ...page, events, position: String(this.events.length) };
    },
  } as WorkerClient;

  /** A worker claims it. */
  give(taskType: string, fields: Partial<TaskInfo> = {}): void {
    const task = { id: `${taskType}-1`, taskType, status: 'running', attempt: 1, leaseEpoch: 1 };
    this.tasks.push({ ...task, revision: 1, progress: 0, ...fields } as TaskInfo);
    this.wake();
  }

  tell(event: string, taskId: string, revision: number, status = event): void {
    this.events.push({ event, taskId, revision, status, data: {} } as unknown as FeedEvent);
    this.wake();
  }

  named(name: string): Sent['args'][] {
    return this.sent.flatMap((each) => (each.name === name ? [each.args] : []));
  }

  async until(isSo: () => boolean, signal?: AbortSignal): Promise<void> {
    while (!isSo()) {
      if (signal?.aborted) throw new TaskManagerError('ABORTED', 'x', { outcome: 'unknown' });
      await new Promise<void>((resolve) => {
        this.wakers.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  private wake(): void {
    for (const wake of this.wakers.splice(0)) wake();
  }
}

const QUIET: TaskLog = { debug() {}, info() {}, warn() {}, error() {} };

let service: FakeService;
let worker: TaskWorker;

const begin = (options: ConstructorParameters<typeof TaskWorker>[1] = {}) =>
  new TaskWorker(service.client, { log: QUIET, ...options });

beforeEach(() => {
  service = new FakeService();
});
afterEach(() => worker.stop({ now: true }));

describe('a handler that throws what is no plain error', () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'undefined'],
    ['an object without a text', Object.create(null), '{}'],
    ['a text that throws', { [inspect.custom]: () => fail('text') }, 'object'],
    [
      'a message that throws',
      {
        get message() {
          return fail('text');
        },
      },
      'message',
    ],
    ['a message that is an object', Object.assign(new Error(), { message: { code: 7 } }), '7'],
  ])('fails its task all the same: %s', async (_name, thrown, told) => {
    worker = begin().handle('paint', () => {
      throw thrown;
    });
    worker.start();
    service.give('paint');
    await service.until(() => service.named('fail_task').length > 0);
    expect(service.named('fail_task')[0]!.error).toContain(told);
  });
});

describe('a result that cannot be written', () => {
  it.each<[string, unknown]>([
    ['nested too deep', nested(20_000)],
    ['one that throws when it is written', { toJSON: () => fail('no JSON') }],
  ])('fails its task for good: %s', async (_name, result) => {
    worker = begin().handle('paint', () => result as Json);
    worker.start();
    service.give('paint');
    await service.until(() => service.named('fail_task').length > 0);
    expect(service.named('fail_task')[0]).toMatchObject({ retryable: false });
  });
});

describe('a log that throws', () => {
  it('ends neither the task nor the worker', async () => {
    const broken = () => fail('the disk is full');
    const log: TaskLog = { debug: broken, info: broken, warn: broken, error: broken };
    worker = begin({ log }).handle('paint', (task) => {
      task.log.info('begun');
      throw new Error(task.id);
    });
    worker.start();
    service.give('paint', { id: 'one' });
    service.give('paint', { id: 'two' });
    await service.until(() => service.named('fail_task').length === 2);
    expect(service.named('fail_task')).toMatchObject([{ error: 'one' }, { error: 'two' }]);
  });
});

describe('a task that is claimed again while its old handler still runs', () => {
  it('is cancelled also when that is heard before the claim is answered', async () => {
    let end = () => {};
    const kinds: string[] = [];
    worker = begin().handle(
      'paint',
      async (task: RunningTask) => {
        if (task.attempt === 1) await new Promise<void>((resolve) => (end = resolve));
        else kinds.push('ran');
        kinds.push((task.signal.reason as TaskStopped | undefined)?.kind ?? 'none');
      },
      { concurrency: 2 },
    );
    worker.start();
    service.give('paint');
    await service.until(() => service.named('claim_tasks').length === 2);
    service.tell('released', 'paint-1', 5, 'pending');
    service.tell('cancelled', 'paint-1', 7);
    await new Promise(setImmediate);
    service.give('paint', { attempt: 2, leaseEpoch: 2, revision: 6 });
    await service.until(() => service.named('acknowledge_cancel').length > 0);
    expect(service.named('acknowledge_cancel')).toMatchObject([{ leaseEpoch: 2 }]);
    end();
    await worker.stop();
    expect(kinds).toEqual(['lease_lost']);
  });
});

describe('the last progress', () => {
  it('is sent again when the service was away too long for the first time', async () => {
    let end = () => {};
    worker = begin().handle('paint', async (task) => {
      task.progress(50);
      await new Promise<void>((resolve) => (end = resolve));
    });
    service.refuse = ({ name }) =>
      name === 'update_task_progress' && service.named(name).length === 1
        ? new TaskManagerError('UNAVAILABLE', 'away')
        : undefined;
    worker.start();
    service.give('paint');
    await service.until(() => service.named('update_task_progress').length === 2);
    expect(service.named('update_task_progress')).toMatchObject([
      { progress: 50 },
      { progress: 50 },
    ]);
    end();
  });
});

describe('a worker of many types', () => {
  it('has Node warn of no leak', async () => {
    worker = begin();
    for (let n = 0; n < 12; n++) worker.handle(`paint_${n}`, () => undefined);
    worker.start();
    await service.until(() => service.sent.length === 12);
    const [{ signal }] = service.sent as [Sent];
    expect(getEventListeners(signal!, 'abort').length).toBeGreaterThan(10);
    expect(getMaxListeners(signal!)).toBe(Infinity);
  });
});

function fail(message: string): never {
  throw new Error(message);
}

function nested(depth: number): Json {
  let value: Json = 0;
  for (let n = 0; n < depth; n++) value = [value];
  return value;
}
