import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SystemClock } from '../context/index.js';
import { ProgressUpdated, TaskCompleted, TaskStarted } from '../events/index.js';
import { TryLater } from '../processing/index.js';
import type { WebhookEntry } from './endpoints-entries.js';
import { LogPublisher } from './log-publisher.js';
import {
  AT,
  capturedLog,
  endpoint,
  Receiver,
  status,
  stored,
  TASK_ID,
  verified,
} from './publishers.fixture.js';
import { WebhookConnection } from './webhook-connection.js';
import { WebhookPublisher, WebhookPublishers } from './webhook-publisher.js';

const forever = new AbortController().signal;
const clock = new SystemClock();

describe('A webhook publisher', () => {
  let receiver: Receiver;
  let connection: WebhookConnection;

  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(async () => {
    await connection.close();
    await receiver.stop();
  });

  function publisher(entry: Partial<WebhookEntry> = {}): WebhookPublisher {
    connection = new WebhookConnection(endpoint(receiver.url, entry));
    return new WebhookPublisher(connection, clock);
  }

  it('sends an event as the feed has it, signed, under the id of the event', async () => {
    const event = stored(new TaskCompleted({ result: { pages: 3 } }), {}, { status: 'completed' });
    await publisher().handle(event, forever);
    const [got] = receiver.received;
    expect(verified(got!)).toEqual({
      type: 'task.completed',
      timestamp: new Date(AT).toISOString(),
      data: {
        event: 'completed',
        type: 'TaskCompleted',
        position: event.position,
        revision: event.revision,
        taskId: TASK_ID,
        taskType: 'import_files',
        appName: 'shelf',
        status: 'completed',
        at: AT,
        actor: { id: 'alice', roles: ['client'], verified: true },
        data: { result: { pages: 3 } },
      },
    });
    expect(got!.headers['webhook-id']).toBe(event.id);
  });

  it('has the endpoint’s name and attempts, and begins at events to come', () => {
    expect(publisher({ attempts: 3 })).toMatchObject({
      name: 'webhook:billing',
      kind: 'publisher',
      attempts: 3,
      beginsAt: 'now',
    });
  });

  it('asks the log for the events that the endpoint wants', () => {
    expect(publisher().filter).toEqual({ streamPrefix: 'task-' });
    expect(publisher({ events: ['completed', 'failed'] }).filter).toEqual({
      streamPrefix: 'task-',
      types: ['TaskCompleted', 'TaskFailed'],
    });
  });

  it('sends those of the types and apps that the endpoint wants, and no others', async () => {
    const wants = publisher({ taskTypes: ['import_files'], appNames: ['shelf'] });
    await wants.handle(stored(undefined, {}, { taskType: 'clone_repository' }), forever);
    await wants.handle(stored(undefined, {}, { appName: 'other' }), forever);
    const wanted = stored();
    await wants.handle(wanted, forever);
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([wanted.id]);
  });

  it('sends to 16 at once and no more, and waiting for a turn is not held against the event', async () => {
    const waiting: (() => void)[] = [];
    receiver.answer = (response) => void waiting.push(() => response.writeHead(204).end());
    const slow = publisher({ timeoutMs: 1_000 });
    const sending = Promise.all(Array.from({ length: 40 }, () => slow.handle(stored(), forever)));
    await receiver.whenReceived(16);
    // Whatever else were let through would arrive meanwhile.
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(receiver.open).toBe(16);
    for (let sent = 16; sent <= 40; sent += 8) {
      await receiver.whenReceived(sent);
      for (const answer of waiting.splice(0, 8)) answer();
    }
    for (let left = 0; left < 40; left += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const answer of waiting.splice(0)) answer();
    }
    await sending;
    expect(receiver.mostOpen).toBe(16);
  });

  it('fails with what the endpoint answered, so that the event is tried again', async () => {
    const failing = publisher();
    receiver.answer = status(500);
    const event = stored();
    await expect(failing.handle(event, forever)).rejects.toThrow('answered 500');
    receiver.answer = status(204);
    await failing.handle(event, forever);
    const [first, second] = receiver.received;
    expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
    expect(second!.body).toBe(first!.body);
  });

  it('gives up its turn when it is stopped', async () => {
    receiver.answer = () => undefined;
    const stop = new AbortController();
    const slow = publisher();
    const sending = Array.from({ length: 20 }, () => slow.handle(stored(), stop.signal));
    const settled = Promise.allSettled(sending);
    await receiver.whenReceived(16);
    stop.abort();
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(TryLater) });
    }
    expect(receiver.received).toHaveLength(16);
  });
});

describe('Which publishers there are', () => {
  it('is for the endpoints to say: one that wants no events serves approvers only', async () => {
    const entries = [{ name: 'a' }, { name: 'b', events: [] }, { name: 'c', events: ['created'] }];
    const connections = entries.map((entry) => new WebhookConnection(endpoint('http://x', entry)));
    const source = new WebhookPublishers({ connections, onApplicationShutdown: nothing }, clock);
    expect(source.publishers().map(({ name }) => name)).toEqual(['webhook:a', 'webhook:c']);
    await Promise.all(connections.map((connection) => connection.close()));
  });
});

const nothing = (): Promise<void> => Promise.resolve();

describe('The log line', () => {
  afterEach(() => void Logger.overrideLogger(false));

  it('is there when it was asked for', () => {
    expect(new LogPublisher({ logEvents: false }).publishers()).toEqual([]);
    expect(new LogPublisher({ logEvents: true }).publishers()).toHaveLength(1);
  });

  it('says what happened to which task and by whom, without any payload', async () => {
    const lines = capturedLog();
    const log = new LogPublisher({ logEvents: true });
    await log.handle(stored(new TaskStarted({ attempt: 1 })));
    const actor = { id: 'eve\n[Nest] all is well', roles: [], verified: false };
    await log.handle(
      stored(new ProgressUpdated({ progress: 1, message: 'hunter2' }), {}, { actor }),
    );
    expect(lines).toEqual([
      `started import_files ${TASK_ID} is running, by "alice" Events`,
      `progress import_files ${TASK_ID} is running, by "eve\\n[Nest] all is well" Events`,
    ]);
  });
});
