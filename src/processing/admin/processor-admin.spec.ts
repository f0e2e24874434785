import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { ParkedEventInfo, Position } from '@taskmanager/protocol';
import { type CommandContext, withContext } from '../../context/index.js';
import type { EventLog, ParkedEvent } from '../../event-store/index.js';
import { taskStream } from '../../events/index.js';
import type { ProcessorRun } from '../processor-run.js';
import type { ProcessorRunner } from '../processor-runner.js';
import { DiscardParkedEvents } from './discard-parked-events.command.js';
import { DiscardParkedEventsHandler } from './discard-parked-events.handler.js';
import { ListParkedEventsHandler } from './list-parked-events.handler.js';
import type { ListParkedEvents } from './list-parked-events.query.js';
import { ListProcessorsHandler } from './list-processors.handler.js';
import { PauseProcessor } from './pause-processor.command.js';
import { PauseProcessorHandler } from './pause-processor.handler.js';
import { ResumeProcessor } from './resume-processor.command.js';
import { ResumeProcessorHandler } from './resume-processor.handler.js';
import { RetryParkedEvents } from './retry-parked-events.command.js';
import { RetryParkedEventsHandler } from './retry-parked-events.handler.js';

const HEAD = positionOf(99);

function positionOf(offset: number): Position {
  return `0a1b2c3d:${String(offset).padStart(20, '0')}` as Position;
}

/** A processor that remembers what it was told. */
class FakeRun implements ProcessorRun {
  events: ParkedEvent[] = [];
  paused = false;
  readonly released: unknown[] = [];

  constructor(
    readonly name: string,
    private readonly kind: 'projection' | 'saga' = 'saga',
  ) {}

  start(): void {}
  async stop(): Promise<void> {}

  async status(head: Position | undefined) {
    const { name, kind, paused } = this;
    const lag = head === undefined ? {} : { lag: 7 };
    const state = 'live' as const;
    return [{ name, kind, version: 1, state, paused, failures: 0, parked: 0, ...lag }];
  }

  async setPaused(paused: boolean): Promise<void> {
    this.paused = paused;
  }

  async parked(): Promise<readonly ParkedEvent[]> {
    return this.events;
  }

  async release(wish: 'retry' | 'discard', taskId?: string): Promise<number> {
    this.released.push([wish, taskId]);
    const about = this.events.filter(({ stream }) => !taskId || stream === taskStream(taskId));
    return about.length;
  }

  park(offset: number, taskId: string, more: Partial<ParkedEvent> = {}): void {
    this.events.push({
      processor: this.name,
      stream: taskStream(taskId),
      position: positionOf(offset),
      eventId: `event-${offset}`,
      revision: 3,
      type: 'TaskFailed',
      error: 'no',
      attempts: 5,
      parkedAt: 1_000,
      ...more,
    });
  }
}

const TASK = '019a5f0e-7c1d-7e50-9a52-0f5c3a2f7c11';
const OTHER = '019a5f0e-7c1d-7e50-9a52-0f5c3a2f7c12';
let tasks: FakeRun;
let retry: FakeRun;
let hook: FakeRun;
let runner: ProcessorRunner;
let lines: string[];

beforeEach(() => {
  tasks = new FakeRun('tasks', 'projection');
  retry = new FakeRun('retry');
  hook = new FakeRun('webhook:billing');
  runner = { runs: () => [tasks, retry, hook] } as unknown as ProcessorRunner;
  lines = [];
  const keep = (line: unknown) => void lines.push(String(line));
  jest.spyOn(Logger.prototype, 'log').mockImplementation(keep);
  jest.spyOn(Logger.prototype, 'warn').mockImplementation(keep);
});

afterEach(() => {
  jest.restoreAllMocks();
});

const ANN = { id: 'ann"\nWARN all is lost', roles: ['admin'], verified: true };

/** The message as the transport hands it over. */
function sent<M extends object>(type: new () => M, fields: Partial<M>): M {
  const context = { actor: ANN, transport: 'tcp', correlationId: 'trace-1' };
  return withContext(Object.assign(new type(), fields), context as unknown as CommandContext);
}

describe('list_processors', () => {
  it('answers each processor as it sees itself, and where the log ends', async () => {
    const log = { head: async () => HEAD } as unknown as EventLog;
    const { processors, head } = await new ListProcessorsHandler(runner, log).execute();
    expect(head).toBe(HEAD);
    expect(processors).toHaveLength(3);
    expect(processors[0]).toEqual({
      name: 'tasks',
      kind: 'projection',
      version: 1,
      state: 'live',
      paused: false,
      failures: 0,
      parked: 0,
      lag: 7,
    });
  });
});

describe('pause_processor and resume_processor', () => {
  const pause = (fields: Partial<PauseProcessor>) =>
    new PauseProcessorHandler(runner).execute(sent(PauseProcessor, fields));
  const resume = (name: string) =>
    new ResumeProcessorHandler(runner).execute(sent(ResumeProcessor, { name }));

  it('do what they say to that one', async () => {
    expect(await pause({ name: 'webhook:billing' })).toEqual({
      name: 'webhook:billing',
      paused: true,
    });
    expect([tasks.paused, retry.paused, hook.paused]).toEqual([false, false, true]);
    expect(await resume('webhook:billing')).toEqual({ name: 'webhook:billing', paused: false });
    expect(hook.paused).toBe(false);
  });

  it('leave a line that says who and why, whatever is in it', async () => {
    await pause({ name: 'retry', reason: 'they are\nmoving' });
    await resume('retry');
    expect(lines).toEqual([
      'Processor retry was paused by "ann\\"\\nWARN all is lost" (over tcp, correlationId "trace-1"): "they are\\nmoving"',
      'Processor retry was resumed by "ann\\"\\nWARN all is lost" (over tcp, correlationId "trace-1")',
    ]);
  });

  it('refuse a name that there is not, and say which there are', async () => {
    const refused = {
      code: 'VALIDATION_FAILED',
      message: 'There is no processor "Retry\\n"; there are retry, tasks, webhook:billing.',
      details: { field: 'name', names: ['retry', 'tasks', 'webhook:billing'] },
    };
    await expect(pause({ name: 'Retry\n' })).rejects.toMatchObject(refused);
    await expect(resume('Retry\n')).rejects.toMatchObject(refused);
    expect(lines).toEqual([]);
  });
});

describe('list_parked_events', () => {
  const list = (fields: Partial<ListParkedEvents> = {}) =>
    new ListParkedEventsHandler(runner).execute(fields);

  it('answers what is parked by processor, in the order of the log', async () => {
    hook.park(5, TASK, { wanted: 'retry' });
    retry.park(8, TASK);
    retry.park(9, OTHER);
    const { events, nextCursor } = await list();
    expect(events.map(({ processor, position }) => [processor, position])).toEqual([
      ['retry', positionOf(8)],
      ['retry', positionOf(9)],
      ['webhook:billing', positionOf(5)],
    ]);
    expect(events[2]).toEqual({
      processor: 'webhook:billing',
      taskId: TASK,
      revision: 3,
      position: positionOf(5),
      eventId: 'event-5',
      type: 'TaskFailed',
      error: 'no',
      attempts: 5,
      parkedAt: 1_000,
      wanted: 'retry',
    });
    expect(nextCursor).toBeUndefined();
  });

  it('of one processor only, when asked so', async () => {
    hook.park(5, TASK);
    retry.park(8, TASK);
    expect((await list({ processor: 'retry' })).events).toMatchObject([{ processor: 'retry' }]);
    await expect(list({ processor: 'nobody' })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { field: 'processor' },
    });
  });

  it('comes in pages that leave nothing out and repeat nothing', async () => {
    for (let offset = 0; offset < 25; offset++) {
      [retry, hook, tasks][offset % 3]?.park(offset, TASK);
    }
    const seen: ParkedEventInfo[] = [];
    let pages = 0;
    let cursor: string | undefined;
    do {
      const page = await list({ limit: 4, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.events);
      pages += 1;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(pages).toBe(7);
    expect(seen).toEqual((await list()).events);
    expect(new Set(seen.map(({ eventId }) => eventId)).size).toBe(25);
  });

  it('stops where the answer would grow too large, but answers one event at least', async () => {
    for (let offset = 0; offset < 3; offset++) retry.park(offset, TASK, { error: 'é'.repeat(2e5) });
    const first = await list();
    expect(first.events).toHaveLength(1);
    const { nextCursor } = first;
    const second = await list({ ...(nextCursor !== undefined && { cursor: nextCursor }) });
    expect(second.events).toMatchObject([{ eventId: 'event-1' }]);
  });

  it.each(['x', Buffer.from('[1,2]').toString('base64url'), Buffer.from('{}').toString('base64')])(
    'refuses %s as a cursor',
    async (cursor) => {
      await expect(list({ cursor })).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
        details: { field: 'cursor' },
      });
    },
  );
});

describe('retry_parked_events and discard_parked_events', () => {
  const again = (fields: Partial<RetryParkedEvents>) =>
    new RetryParkedEventsHandler(runner).execute(sent(RetryParkedEvents, fields));
  const discard = (fields: Partial<DiscardParkedEvents>) =>
    new DiscardParkedEventsHandler(runner).execute(sent(DiscardParkedEvents, fields));

  it('pass on what is wanted, of one task or of all', async () => {
    retry.park(1, TASK);
    retry.park(2, OTHER);
    expect(await again({ processor: 'retry' })).toEqual({ requested: 2 });
    expect(await again({ processor: 'retry', taskId: TASK })).toEqual({ requested: 1 });
    expect(await discard({ processor: 'retry', taskId: OTHER })).toEqual({ requested: 1 });
    expect(retry.released).toEqual([
      ['retry', undefined],
      ['retry', TASK],
      ['discard', OTHER],
    ]);
  });

  it('discard only the event that was meant, when it is named', async () => {
    retry.park(2, TASK);
    const named = { processor: 'retry', taskId: TASK };
    expect(await discard({ ...named, eventId: 'event-1' })).toEqual({ requested: 0 });
    expect(retry.released).toEqual([]);
    expect(await discard({ ...named, eventId: 'event-2' })).toEqual({ requested: 1 });
  });

  it('leave a line that says who, what and why', async () => {
    retry.park(1, TASK);
    await again({ processor: 'retry' });
    await discard({ processor: 'retry', taskId: TASK, reason: 'was sent by hand' });
    const who = '"ann\\"\\nWARN all is lost" (over tcp, correlationId "trace-1")';
    expect(lines).toEqual([
      `Parked events of retry of 1 task(s) are handled again, asked by ${who}`,
      `A parked event of retry, task ${TASK}, is discarded by ${who}: "was sent by hand"`,
    ]);
  });

  it('ask for nothing, and say nothing, when nothing is parked', async () => {
    expect(await again({ processor: 'retry' })).toEqual({ requested: 0 });
    expect(await discard({ processor: 'retry', taskId: TASK })).toEqual({ requested: 0 });
    expect(lines).toEqual([]);
  });

  it('refuse a processor that there is not', async () => {
    const refused = { code: 'VALIDATION_FAILED', details: { field: 'processor' } };
    await expect(again({ processor: 'x' })).rejects.toMatchObject(refused);
    await expect(discard({ processor: 'x', taskId: TASK })).rejects.toMatchObject(refused);
  });
});
