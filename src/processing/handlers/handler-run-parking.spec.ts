import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ParkedEvent } from '../../event-store/index.js';
import {
  MemoryEventLog,
  MemoryProcessorStorage,
  MemoryProcessorStore,
} from '../../event-store/memory/index.js';
import { ProgressUpdated, taskStream } from '../../events/index.js';
import { TaskLog } from '../../projections/task-log.fixture.js';
import { gate, nameOf, OwnerProcess, Recorder } from './handler-run.fixture.js';
import { until } from '../../../test/until.js';

let tasks: TaskLog;
let kept: MemoryProcessorStorage;
let process: OwnerProcess;
let processStore: MemoryProcessorStore;
let recorder: Recorder;
/** Names of events that fail. */
let bad: Set<string>;

beforeEach(() => {
  tasks = new TaskLog(new MemoryEventLog());
  kept = new MemoryProcessorStorage();
  bad = new Set();
  recorder = failing(new Recorder());
  start();
});
afterEach(() => process.stop());

function failing(made: Recorder): Recorder {
  made.act = (event) => {
    if (bad.has(nameOf(event))) throw new Error(`cannot take ${event.revision}`);
  };
  return made;
}
function start(handler = recorder): void {
  processStore = store();
  process = new OwnerProcess(tasks.log, processStore, handler).start();
}
/** Counts how often the process looks, from here on, for what is wanted of its parked events. */
function looksAtWishes(): () => number {
  let looks = 0;
  const list = processStore.listWanted.bind(processStore);
  processStore.listWanted = (processor) => {
    looks += 1;
    return list(processor);
  };
  return () => looks;
}
const store = () => new MemoryProcessorStore(kept);
const parked = () => store().listParked('recorder');
const progress = (taskId: string, times = 1) =>
  tasks.append(
    taskId,
    ...Array.from({ length: times }, (_, n) => new ProgressUpdated({ progress: n })),
  );
async function caughtUp(): Promise<void> {
  const head = await tasks.log.head();
  await until(async () => (await store().readCheckpoint('recorder')) === head);
}
/** A task that waits at revision 1, with two events behind it. */
async function waiting(): Promise<string> {
  const id = await tasks.create();
  bad.add(`${id}/1`);
  await progress(id, 3);
  await until(async () => (await parked()).some(({ stream }) => stream === taskStream(id)));
  await caughtUp();
  return id;
}

describe('an event that cannot be handled', () => {
  it('is parked after its attempts, with its error, and told of', async () => {
    const id = await waiting();
    const event = tasks.stored[1]!;
    expect(await process.run.parked()).toEqual([
      {
        processor: 'recorder',
        stream: taskStream(id),
        position: expect.any(String),
        eventId: event.id,
        revision: 1,
        type: 'ProgressUpdated',
        error: 'cannot take 1',
        attempts: 2,
        parkedAt: expect.any(Number),
      },
    ]);
    const [told] = process.told;
    for (const word of ['recorder', id, event.id, 'cannot take 1', 'retry_parked_events']) {
      expect(told).toContain(word);
    }
    expect(process.told).toHaveLength(1);
    expect(await process.status()).toMatchObject({ state: 'live', parked: 1, failures: 0 });
  });

  it('makes later events of its task wait, those of others go on, also after a restart', async () => {
    const [id, other] = [await waiting(), await tasks.create()];
    await until(() => recorder.of(other).length === 1);
    await process.stop();
    recorder = failing(new Recorder());
    start();
    await progress(id);
    await progress(other);
    await until(() => recorder.of(other).length === 1);
    await caughtUp();
    expect(recorder.tried.filter((name) => name.startsWith(id))).toEqual([]);
    expect(await parked()).toHaveLength(1);
  });

  it('is parked too when it cannot be decoded', async () => {
    const id = await tasks.create();
    const text = { id: 'x', type: 'TaskFlown', data: '{}', metadata: '{"version":1}' };
    await tasks.log.append(taskStream(id), 0n, [text]);
    await until(async () => (await parked()).length === 1);
    expect(await parked()).toMatchObject([
      { eventId: 'x', type: 'TaskFlown', error: expect.stringContaining('TaskFlown') },
    ]);
    expect(recorder.of(id)).toEqual([0]);
  });

  it('is kept in spite of a store that fails for a while', async () => {
    await process.stop();
    const failsOnce = store();
    const park = failsOnce.park.bind(failsOnce);
    let times = 0;
    failsOnce.park = (event) => {
      times += 1;
      return times < 3 ? Promise.reject(new Error('disk full')) : park(event);
    };
    process = new OwnerProcess(tasks.log, failsOnce, recorder).start();
    const id = await waiting();
    expect(times).toBe(3);
    expect(recorder.of(id)).toEqual([0]);
  });
});

describe('what was handled before an event that is parked, or behind one that no longer is', () => {
  it('has left the process before that is written, for nobody reads it again', async () => {
    await process.stop();
    const unsent: string[] = [];
    const flush = async () => void unsent.splice(0);
    const made = failing(new Recorder('recorder', { flush }));
    const fail = made.act;
    made.act = (event, signal) => {
      fail(event, signal);
      unsent.push(nameOf(event));
    };
    const seen: [string, number][] = [];
    const watched = store();
    const [park, unpark] = [watched.park.bind(watched), watched.unpark.bind(watched)];
    watched.park = (event) => (seen.push(['park', unsent.length]), park(event));
    watched.unpark = (name, at) => (seen.push(['unpark', unsent.length]), unpark(name, at));
    const id = await tasks.create();
    bad.add(`${id}/1`);
    await progress(id, 3);
    recorder = made;
    process = new OwnerProcess(tasks.log, watched, made).start();
    await until(async () => (await parked()).length === 1);
    await caughtUp();
    bad.clear();
    await process.run.release('retry');
    await until(async () => (await parked()).length === 0);
    expect(recorder.of(id)).toEqual([0, 1, 2, 3]);
    expect(seen).toEqual([
      ['park', 0],
      ['unpark', 0],
    ]);
  });
});

describe('a retry', () => {
  it('that is asked for while another one is done parks nothing again', async () => {
    const id = await waiting();
    const slow = store();
    const list = slow.listParked.bind(slow);
    const [listed, goOn] = [gate(), gate()];
    slow.listParked = async (name) => {
      const events = await list(name);
      listed.open();
      await goOn.opened;
      return events;
    };
    const elsewhere = new OwnerProcess(tasks.log, slow, recorder).run.release('retry', id);
    await listed.opened;
    bad.clear();
    await process.run.release('retry', id);
    await until(async () => (await parked()).length === 0);
    goOn.open();
    await elsewhere;
    expect(await parked()).toEqual([]);
    expect(recorder.of(id)).toEqual([0, 1, 2, 3]);
  });

  it('handles the event and all that waited behind it, in order, and then what comes', async () => {
    const id = await waiting();
    bad.clear();
    expect(await process.run.release('retry', id)).toBe(1);
    await until(() => recorder.of(id).length === 4);
    await progress(id);
    await until(() => recorder.of(id).length === 5);
    expect(recorder.of(id)).toEqual([0, 1, 2, 3, 4]);
    await until(async () => (await parked()).length === 0);
    expect(await process.status()).toMatchObject({ parked: 0, state: 'live' });
  });

  it('moves the record to the next event that fails', async () => {
    const id = await waiting();
    bad.clear();
    bad.add(`${id}/2`);
    await process.run.release('retry', id);
    await until(async () => (await parked())[0]?.revision === 2);
    expect(await parked()).toMatchObject([{ revision: 2, error: 'cannot take 2', attempts: 2 }]);
    expect(recorder.of(id)).toEqual([0, 1]);
    await progress(id);
    await caughtUp();
    expect(recorder.of(id)).toEqual([0, 1]);
    bad.clear();
    await process.run.release('retry');
    await until(() => recorder.of(id).length === 5);
    expect(recorder.of(id)).toEqual([0, 1, 2, 3, 4]);
  });

  it('counts on when the same event fails again, and the wish is over', async () => {
    const id = await waiting();
    await process.run.release('retry', id);
    await until(async () => (await parked())[0]?.attempts === 4);
    const [again] = await parked();
    expect(again).toMatchObject({ revision: 1 });
    expect(again).not.toHaveProperty('wanted');
    expect(await process.status()).toMatchObject({ parked: 1 });
  });

  it('neither loses nor overtakes what arrives for the task meanwhile', async () => {
    const id = await waiting();
    bad.clear();
    const held = gate();
    recorder.act = (event) => (nameOf(event) === `${id}/1` ? held.opened : undefined);
    await process.run.release('retry', id);
    await until(() => recorder.busy === 1);
    const other = await tasks.create();
    await progress(id, 3);
    await until(() => recorder.of(other).length === 1);
    held.open();
    await until(() => recorder.of(id).length === 7);
    await caughtUp();
    expect(recorder.of(id)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('leaves what arrived before it read the stream to its turn', async () => {
    const id = await waiting();
    bad.clear();
    const held = gate();
    const { log } = tasks;
    const read = log.readStream.bind(log);
    let reading = false;
    log.readStream = async (...args) => {
      reading = true;
      await held.opened;
      return read(...args);
    };
    await process.run.release('retry', id);
    await until(() => reading);
    await progress(id, 3);
    const other = await tasks.create();
    await until(() => recorder.of(other).length === 1);
    held.open();
    await caughtUp();
    expect(recorder.of(id)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('that fails leaves what arrived meanwhile waiting', async () => {
    const id = await waiting();
    const held = gate();
    recorder.act = async (event) => {
      if (nameOf(event) !== `${id}/1`) return;
      await held.opened;
      throw new Error('still not');
    };
    await process.run.release('retry', id);
    await until(() => recorder.busy === 1);
    await progress(id, 3);
    held.open();
    await until(async () => (await parked())[0]?.attempts === 4);
    await caughtUp();
    expect(recorder.of(id)).toEqual([0]);
    recorder.act = () => undefined;
    await process.run.release('retry', id);
    await until(() => recorder.of(id).length === 7);
    expect(recorder.of(id)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('of many tasks is done for all, and only for those that it is about', async () => {
    const ids = await Promise.all(Array.from({ length: 600 }, () => tasks.create()));
    for (const id of ids) bad.add(`${id}/1`);
    for (const id of ids) await progress(id, 2);
    await until(async () => (await parked()).length === 600);
    bad.clear();
    expect(await process.run.release('retry', ids[7])).toBe(1);
    await until(() => recorder.of(ids[7]!).length === 3);
    await until(async () => (await parked()).length === 599);
    expect(await process.run.release('retry')).toBe(599);
    await until(async () => (await parked()).length === 0);
    for (const id of ids) expect(recorder.of(id)).toEqual([0, 1, 2]);
  }, 30_000);

  it('handles more than a page of events that waited', async () => {
    const id = await waiting();
    await progress(id, 1_100);
    await caughtUp();
    bad.clear();
    await process.run.release('retry', id);
    await until(() => recorder.of(id).length === 1_104);
    expect(recorder.of(id)).toEqual([...Array(1_104).keys()]);
  });

  it('leaves out the events that the handler did not ask for', async () => {
    await process.stop();
    recorder = failing(
      new Recorder('recorder', { filter: { types: ['ProgressUpdated', 'TaskResumed'] } }),
    );
    start();
    const id = await waiting();
    const text = { id: 'x', type: 'TaskFlown', data: '{}', metadata: '{"version":1}' };
    await tasks.log.append(taskStream(id), 3n, [text]);
    await caughtUp();
    bad.clear();
    await process.run.release('retry', id);
    await until(async () => (await parked()).length === 0);
    expect(recorder.of(id)).toEqual([1, 2, 3]);
  });
});

describe('to discard', () => {
  it('passes over the event and goes on with what waits behind it', async () => {
    const id = await waiting();
    expect(await process.run.release('discard', id)).toBe(1);
    await until(() => recorder.of(id).length === 3);
    await progress(id);
    await until(() => recorder.of(id).length === 4);
    expect(recorder.of(id)).toEqual([0, 2, 3, 4]);
    expect(await parked()).toEqual([]);
  });

  it('waits until the event cannot come again, for a crash would bring it back', async () => {
    const slow = await tasks.create();
    await caughtUp();
    const held = gate();
    const act = recorder.act;
    recorder.act = (event, signal) => (event.taskId === slow ? held.opened : act(event, signal));
    await progress(slow);
    await until(() => recorder.busy === 1);
    const id = await tasks.create();
    bad.add(`${id}/1`);
    await progress(id, 2);
    await until(async () => (await parked()).length === 1);
    await process.run.release('discard', id);
    const looks = looksAtWishes();
    await until(() => looks() >= 2);
    expect(await parked()).toMatchObject([{ revision: 1, wanted: 'discard' }]);
    held.open();
    await until(() => recorder.of(id).length === 2);
    expect(recorder.of(id)).toEqual([0, 2]);
  });
});

describe('what is wanted of parked events', () => {
  it('is done by the owner when another process was asked', async () => {
    const id = await waiting();
    bad.clear();
    const asked = new OwnerProcess(tasks.log, store(), new Recorder()).start();
    expect(await asked.status()).toMatchObject({ state: 'standby', parked: 1 });
    expect(await asked.run.release('retry', id)).toBe(1);
    await until(() => recorder.of(id).length === 4);
    await until(async () => (await parked()).length === 0);
    await asked.stop();
  });

  it('is done by the next owner when this one ends in the middle', async () => {
    const id = await waiting();
    const held = gate();
    recorder.act = (event) => (nameOf(event) === `${id}/2` ? held.opened : undefined);
    await process.run.release('retry', id);
    await until(() => recorder.of(id).length === 2);
    await process.kill();
    const next = new Recorder();
    start(next);
    await until(() => next.of(id).length === 3);
    expect(next.of(id)).toEqual([1, 2, 3]);
    expect(await parked()).toEqual([]);
    held.open();
  });

  it('is done once when a crash left two records of one task', async () => {
    const id = await waiting();
    const [first] = await parked();
    const later = tasks.stored.find(({ revision }) => revision === 3)!;
    const second: ParkedEvent = {
      ...first!,
      position: later.position,
      revision: 3,
      eventId: later.id,
    };
    await process.stop();
    await store().park(second);
    await store().park({ ...first!, wanted: 'retry' });
    bad.clear();
    recorder = new Recorder();
    start();
    await until(() => recorder.of(id).length === 3);
    expect(recorder.of(id)).toEqual([1, 2, 3]);
    await until(async () => (await parked()).length === 0);
  });

  it('stays when it cannot be done now, and is done later', async () => {
    const id = await waiting();
    bad.clear();
    const { log } = tasks;
    const read = log.readStream.bind(log);
    let tries = 0;
    log.readStream = (...args) => {
      tries += 1;
      return tries === 1 ? Promise.reject(new Error('away')) : read(...args);
    };
    await process.run.release('retry', id);
    await until(() => recorder.of(id).length === 4);
    expect(tries).toBeGreaterThan(1);
  });
});
