import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { offsetOf, type Position } from '@taskmanager/protocol';
import {
  MemoryEventLog,
  MemoryProcessorStorage,
  MemoryProcessorStore,
} from '../../event-store/memory/index.js';
import { ProgressUpdated } from '../../events/index.js';
import { TaskLog } from '../../projections/task-log.fixture.js';
import { gate, nameOf, OwnerProcess, Recorder } from './handler-run.fixture.js';
import { TryLater } from './processor-handler.js';
import { until } from '../../../test/until.js';

let tasks: TaskLog;
let kept: MemoryProcessorStorage;
let store: MemoryProcessorStore;
let process: OwnerProcess;

beforeEach(() => {
  tasks = new TaskLog(new MemoryEventLog());
  kept = new MemoryProcessorStorage();
  store = new MemoryProcessorStore(kept);
});
afterEach(() => process.stop());

function start(recorder: Recorder): OwnerProcess {
  process = new OwnerProcess(tasks.log, store, recorder);
  return process.start();
}
const progress = (taskId: string, times: number) =>
  tasks.append(
    taskId,
    ...Array.from({ length: times }, (_, n) => new ProgressUpdated({ progress: n })),
  );
const checkpoint = () => store.readCheckpoint('recorder');
/** Resolves when a run over another log has moved its checkpoint so often, the longest pause between. */
async function checkpointsOfAnother(moves: number): Promise<void> {
  const others = new TaskLog(new MemoryEventLog());
  const its = new MemoryProcessorStore(new MemoryProcessorStorage());
  const passing = new Recorder('passing', { filter: { types: ['TaskFailed'] } });
  const another = new OwnerProcess(others.log, its, passing).start();
  try {
    for (let move = 0; move < moves; move += 1) {
      await others.create();
      const head = await others.log.head();
      await until(async () => (await its.readCheckpoint('passing')) === head);
    }
  } finally {
    await another.stop();
  }
}
const numbers = (count: number) => [...Array(count).keys()];

describe('a run of a handler', () => {
  it('hands on each event once, in the order of its task, many tasks at once and slow as they are', async () => {
    const recorder = new Recorder();
    recorder.act = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 8));
    const ids = await Promise.all(numbers(100).map(() => tasks.create()));
    for (const id of ids) await progress(id, 3);
    start(recorder);
    for (const id of ids) await progress(id, 3);
    await until(() => recorder.handled.length >= 700);
    for (const id of ids) expect(recorder.of(id)).toEqual(numbers(7));
    expect(recorder.handled).toHaveLength(700);
    expect(recorder.mostBusy).toBeGreaterThan(16);
    expect(recorder.mostBusy).toBeLessThanOrEqual(64);
    await until(async () => (await checkpoint()) === (await tasks.log.head()));
    expect(await process.status()).toMatchObject({ state: 'live', failures: 0, parked: 0 });
  });

  it('goes on with other tasks while one is tried again', async () => {
    const recorder = new Recorder('recorder', { attempts: 1_000 });
    const [bad, good] = [await tasks.create(), await tasks.create()];
    let mended = false;
    recorder.act = ({ taskId }) => {
      if (taskId === bad && !mended) throw new Error('not yet');
    };
    start(recorder);
    await progress(bad, 2);
    await progress(good, 2);
    await until(() => recorder.of(good).length === 3);
    expect(recorder.of(bad)).toEqual([]);
    expect(await process.status()).toMatchObject({
      state: 'retrying',
      lastError: { message: 'not yet' },
    });
    mended = true;
    await until(() => recorder.of(bad).length === 3);
    expect(recorder.of(bad)).toEqual([0, 1, 2]);
    expect(await process.status()).toMatchObject({ state: 'live', failures: 0 });
  });

  it('gives the places of those that are tried again to others', async () => {
    const recorder = new Recorder('recorder', { attempts: 1_000 });
    const bad = new Set(await Promise.all(numbers(80).map(() => tasks.create())));
    recorder.act = ({ taskId }) => {
      if (bad.has(taskId)) throw new Error('not yet');
    };
    const good = await tasks.create();
    start(recorder);
    await until(() => recorder.of(good).length === 1);
  });

  it('never parks an event that has to be tried later, tells once and again when it is over', async () => {
    const recorder = new Recorder();
    const [first, second] = [await tasks.create(), await tasks.create()];
    let away = true;
    recorder.act = () => {
      if (away) throw new TryLater('the broker is away');
    };
    start(recorder);
    await until(() => recorder.tried.length >= 12);
    expect(await process.status()).toMatchObject({
      state: 'retrying',
      parked: 0,
      lastError: { message: 'the broker is away' },
    });
    away = false;
    await until(() => recorder.handled.length === 2);
    expect(recorder.of(first)).toEqual([0]);
    expect(recorder.of(second)).toEqual([0]);
    expect(process.told).toEqual([
      expect.stringMatching(/^warn: The saga recorder waits.*the broker is away/),
      'log: The saga recorder goes on.',
    ]);
  });

  it('handles others while more tasks than there are places wait for the world', async () => {
    const recorder = new Recorder();
    const waiting = new Set(await Promise.all(numbers(100).map(() => tasks.create())));
    recorder.act = ({ taskId }) => {
      if (waiting.has(taskId)) throw new TryLater('no room at its endpoint');
    };
    start(recorder);
    await until(() => recorder.tried.length >= 100);
    const other = await tasks.create();
    await until(() => recorder.of(other).length === 1);
  });

  it('wakes all that wait for the world as soon as one of them could go on', async () => {
    const recorder = new Recorder();
    await Promise.all(numbers(20).map(() => tasks.create()));
    let away = true;
    recorder.act = () => {
      if (away) throw new TryLater('away');
    };
    start(recorder);
    // By then each of them waits for half a second at least.
    await until(() => recorder.tried.length >= 20 * 6);
    away = false;
    await until(() => recorder.handled.length > 0);
    const since = performance.now();
    await until(() => recorder.handled.length === 20);
    expect(performance.now() - since).toBeLessThan(300);
  });

  it('moves its checkpoint past no unfinished event, and begins there after a kill', async () => {
    const recorder = new Recorder();
    const [slow, quick] = [await tasks.create(), await tasks.create()];
    const held = gate();
    recorder.act = (event) => (nameOf(event) === `${slow}/1` ? held.opened : undefined);
    const before = (await tasks.log.head())!;
    const killed = new OwnerProcess(tasks.log, new MemoryProcessorStore(kept), recorder).start();
    await progress(slow, 2);
    await progress(quick, 5);
    await until(() => recorder.of(quick).length === 6);
    await until(async () => (await checkpoint()) === before);
    await killed.kill();
    const after = new Recorder();
    start(after);
    await until(() => after.handled.length === 7);
    expect(after.handled.filter((name) => name.startsWith(slow))).toEqual(
      [1, 2].map((n) => `${slow}/${n}`),
    );
    expect(after.of(quick)).toEqual([1, 2, 3, 4, 5]);
    held.open();
    await killed.stop();
  }, 30_000);

  it('reads on while one event does not end, but keeps no more than so many in hand', async () => {
    const recorder = new Recorder();
    const held = gate();
    const stuck = await tasks.create();
    recorder.act = ({ taskId }) => (taskId === stuck ? held.opened : undefined);
    let read = 0;
    let ahead = 0;
    const { log } = tasks;
    const subscribe = log.subscribe.bind(log);
    log.subscribe = (options) => {
      const batches = subscribe(options);
      return (async function* () {
        for await (const batch of batches) {
          read += batch.events.length;
          ahead = Math.max(ahead, read - recorder.handled.length);
          yield batch;
        }
      })();
    };
    const other = await tasks.create();
    await progress(other, 5_000);
    await progress(stuck, 6_000);
    start(recorder);
    await until(() => recorder.of(other).length === 5_001);
    await until(() => read >= 7_000);
    held.open();
    await until(() => recorder.of(stuck).length === 6_001);
    // The window, and the batch that filled it.
    expect(ahead).toBeLessThanOrEqual(2_000 + 500);
    expect(recorder.of(stuck)).toEqual(numbers(6_001));
  }, 30_000);

  it('flushes before each move of the checkpoint, and does not move it when that fails', async () => {
    const order: string[] = [];
    let broken = false;
    const flush = async () => {
      order.push('flush');
      if (broken) throw new Error('cannot flush');
    };
    const move = store.moveCheckpoint.bind(store);
    store.moveCheckpoint = async (...args) => {
      order.push('move');
      return move(...args);
    };
    const recorder = new Recorder('recorder', { flush });
    start(recorder);
    await tasks.create();
    await until(async () => (await checkpoint()) === (await tasks.log.head()));
    expect(order.slice(0, 2)).toEqual(['flush', 'move']);
    const stood = await checkpoint();
    broken = true;
    order.length = 0;
    await tasks.create();
    await until(() => order.length >= 3);
    expect(order).not.toContain('move');
    expect(await checkpoint()).toBe(stood);
    expect(await process.status()).toMatchObject({
      state: 'retrying',
      lastError: { message: 'cannot flush' },
    });
    broken = false;
    await until(async () => (await checkpoint()) === (await tasks.log.head()));
    expect(recorder.handled).toHaveLength(2);
  });

  it('moves its checkpoint over events that are for others, at most once a second', async () => {
    let moves = 0;
    const move = store.moveCheckpoint.bind(store);
    store.moveCheckpoint = (...args) => {
      moves += 1;
      return move(...args);
    };
    const recorder = new Recorder('recorder', { filter: { types: ['TaskFailed'] } });
    start(recorder);
    const id = await tasks.create();
    const begun = performance.now();
    for (let n = 0; performance.now() - begun < 1_500; n += 1) {
      await progress(id, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const seconds = Math.ceil((performance.now() - begun) / 1_000);
    expect(moves).toBeLessThanOrEqual(seconds + 1);
    await until(async () => (await checkpoint()) === (await tasks.log.head()));
    expect(recorder.tried).toEqual([]);
  });

  it('writes no checkpoint while nothing happens', async () => {
    start(new Recorder());
    await tasks.create();
    await until(async () => (await checkpoint()) === (await tasks.log.head()));
    store.moveCheckpoint = () => Promise.reject(new Error('not wanted'));
    await checkpointsOfAnother(2);
    expect(await process.status()).toMatchObject({ state: 'live', failures: 0 });
  });

  it('begins at the end of the log when it is to, says so at once, and leaves out nothing after that', async () => {
    await tasks.create();
    const recorder = new Recorder('recorder', { beginsAt: 'now' });
    start(recorder);
    const head = (await tasks.log.head())!;
    await until(async () => (await checkpoint()) === head);
    const id = await tasks.create();
    await until(() => recorder.handled.length === 1);
    expect(recorder.of(id)).toEqual([0]);
  });

  it('has begun on an empty log too, so that a crash makes it leave out nothing', async () => {
    const recorder = new Recorder('recorder', { beginsAt: 'now' });
    start(recorder);
    await until(async () => (await checkpoint()) !== undefined);
    expect(offsetOf((await checkpoint()) as Position)).toBe(0n);
    await process.stop();
    const id = await tasks.create();
    start(recorder);
    await until(() => recorder.of(id).length === 1);
  });

  it('goes on from the store when somebody else moved the checkpoint', async () => {
    const recorder = new Recorder();
    start(recorder);
    const id = await tasks.create();
    await until(async () => (await checkpoint()) === (await tasks.log.head()));
    const stood = await checkpoint();
    const held = gate();
    recorder.act = () => held.opened;
    await progress(id, 1);
    await until(() => recorder.busy === 1);
    const to = await progress(id, 1);
    expect(await store.moveCheckpoint('recorder', stood, to)).toBe(true);
    held.open();
    await progress(id, 1);
    await until(() => recorder.of(id).includes(3));
    await until(async () => (await checkpoint()) === (await tasks.log.head()));
    expect(new Set(recorder.of(id))).toEqual(new Set([0, 1, 2, 3]));
  });

  it('stops with what is in hand finished and written down', async () => {
    const recorder = new Recorder();
    const held = gate();
    recorder.act = () => held.opened;
    start(recorder);
    await tasks.create();
    await until(() => recorder.busy === 1);
    const stopped = process.stop();
    setTimeout(held.open, 50);
    await stopped;
    expect(recorder.handled).toHaveLength(1);
    expect(await checkpoint()).toBe(await tasks.log.head());
    expect(await process.status()).toMatchObject({ state: 'stopped' });
  });

  it('stops after some seconds when a handler does not end', async () => {
    const recorder = new Recorder();
    let given: AbortSignal | undefined;
    recorder.act = (_, signal) => {
      given = signal;
      return new Promise(() => undefined);
    };
    start(recorder);
    await tasks.create();
    await until(() => recorder.busy === 1);
    const since = performance.now();
    await process.stop();
    expect(performance.now() - since).toBeLessThan(8_000);
    expect(given?.aborted).toBe(true);
    expect(await checkpoint()).toBeUndefined();
  }, 15_000);
});
