import { afterEach, describe, expect, it } from '@jest/globals';
import type { Position } from '@taskmanager/protocol';
import { SystemClock } from '../context/index.js';
import { MemoryEventLog } from '../event-store/memory/index.js';
import { TaskLog } from '../projections/task-log.fixture.js';
import { backoffMs } from './backoff.js';
import { PositionWaiters } from './views/position-waiters.js';
import { CheckpointMoved, type Processor, type ProcessorBatch } from './processor.js';
import { ProcessorLoop } from './processor-loop.js';

/** Remembers what it was given; keeps its checkpoint as a database would. */
class Recorder implements Processor {
  readonly name = 'recorder';
  readonly version = 1;
  readonly filter = { streamPrefix: 'task-' };
  readonly handled: string[] = [];
  opened = 0;
  checkpoint: Position | undefined;
  /** Thrown by the next calls, first to last. */
  readonly trouble: Error[] = [];

  async open(): Promise<Position | undefined> {
    this.opened += 1;
    return this.checkpoint;
  }

  async handle({ events, position }: ProcessorBatch): Promise<Position | undefined> {
    const error = events.length > 0 ? this.trouble.shift() : undefined;
    if (error) throw error;
    this.handled.push(...events.map(({ id }) => id));
    this.checkpoint = position;
    return position;
  }
}

describe('a processor loop', () => {
  const log = new MemoryEventLog();
  const tasks = new TaskLog(log);
  const failures: string[] = [];
  let loop: ProcessorLoop;
  let waiters: PositionWaiters;

  function start(processor: Processor): void {
    waiters = new PositionWaiters(100);
    failures.length = 0;
    loop = new ProcessorLoop(processor, log, new SystemClock(), {
      reached: (position) => waiters.advance(position),
      failed: (error) => failures.push(error.message),
    });
    loop.start();
  }
  const reach = async (position: Position) => waiters.wait(position, 20_000);
  const ids = () => tasks.stored.map(({ id }) => id);

  afterEach(() => loop.stop());

  it('hands on every event once and in order, old ones and new ones', async () => {
    await tasks.create();
    const recorder = new Recorder();
    start(recorder);
    await tasks.create();
    await tasks.create();
    expect(await reach((await log.head())!)).toBe('reached');
    expect(recorder.handled).toEqual(ids());
  });

  it('runs once, however often it is started', async () => {
    const recorder = new Recorder();
    recorder.checkpoint = (await log.head())!;
    start(recorder);
    loop.start();
    await tasks.create();
    await reach((await log.head())!);
    expect(recorder.handled).toEqual(ids().slice(-1));
    expect(recorder.opened).toBe(1);
  });

  it('goes on behind its checkpoint', async () => {
    const recorder = new Recorder();
    recorder.checkpoint = (await log.head())!;
    start(recorder);
    await tasks.create();
    await reach((await log.head())!);
    expect(recorder.handled).toEqual(ids().slice(-1));
  });

  it('tries again from the checkpoint after a failure, tells, and passes nothing over', async () => {
    const recorder = new Recorder();
    recorder.trouble.push(new Error('disk full'), new Error('disk still full'));
    start(recorder);
    await tasks.create();
    await reach((await log.head())!);
    expect(recorder.handled).toEqual(ids());
    expect(failures).toEqual(['disk full', 'disk still full']);
    expect(recorder.opened).toBe(3);
    expect(loop.status(await log.head())).toMatchObject({
      state: 'live',
      failures: 0,
      lag: 0,
      lastError: { message: 'disk still full' },
    });
  });

  it('reads its checkpoint again when somebody else moved it, which is no failure', async () => {
    const recorder = new Recorder();
    recorder.trouble.push(new CheckpointMoved('recorder'));
    start(recorder);
    await reach((await log.head())!);
    expect(recorder.opened).toBe(2);
    expect(failures).toEqual([]);
  });

  it('begins with the first event again when its checkpoint is gone', async () => {
    const recorder = new Recorder();
    start(recorder);
    await reach((await log.head())!);
    recorder.handled.length = 0;
    recorder.checkpoint = undefined;
    recorder.trouble.push(new CheckpointMoved('recorder'));
    await tasks.create();
    await reach((await log.head())!);
    expect(recorder.handled).toEqual(ids());
  });

  it('shows how far it lags and why while it fails', async () => {
    const recorder = new Recorder();
    let told: () => void;
    const failed = new Promise<void>((resolve) => (told = resolve));
    recorder.trouble.push(...Array.from({ length: 50 }, () => new Error('poison')));
    loop = new ProcessorLoop(recorder, log, new SystemClock(), {
      reached: () => undefined,
      failed: () => told(),
    });
    loop.start();
    await failed;
    const status = loop.status(await log.head());
    expect(status).toMatchObject({ state: 'retrying', lastError: { message: 'poison' } });
    expect(status.lag).toBeGreaterThanOrEqual(tasks.stored.length);
    expect(recorder.handled).toEqual([]);
  });
});

describe('waiting for a position', () => {
  const at = (n: number) => `00000000:${String(n).padStart(20, '0')}` as Position;

  it('is answered at once for what was reached, and when it is reached', async () => {
    const waiters = new PositionWaiters(10);
    waiters.advance(at(5));
    expect(waiters.wait(at(5), 1_000)).toBe('reached');
    const later = waiters.wait(at(6), 10_000);
    waiters.advance(at(7));
    expect(await later).toBe('reached');
  });

  it('is bounded in time and number, and ends with the service', async () => {
    const waiters = new PositionWaiters(1);
    expect(await waiters.wait(at(1), 1)).toBe('late');
    const waiting = waiters.wait(at(1), 10_000);
    expect(waiters.wait(at(1), 10_000)).toBe('full');
    waiters.stop();
    expect(await waiting).toBe('stopped');
    expect(waiters.wait(at(1), 10_000)).toBe('stopped');
  });
});

describe('the pause after failures', () => {
  it('grows, stays below its cap, and never comes to nothing', () => {
    const pauses = [1, 2, 3, 10, 1_000].map((failures) => backoffMs(failures, 0.5));
    expect(pauses).toEqual([37.5, 75, 150, 7_500, 7_500]);
    expect(backoffMs(1, 0)).toBe(25);
  });
});
