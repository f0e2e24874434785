import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LogFile, SqliteEventLog, SqliteProcessorStore } from '../../event-store/sqlite/index.js';
import { ProgressUpdated } from '../../events/index.js';
import { temporaryFolder } from '../../projections/views.fixture.js';
import { TaskLog } from '../../projections/task-log.fixture.js';
import { gate, OwnerProcess, Recorder } from './handler-run.fixture.js';
import { until } from '../../../test/until.js';

/** A process with its own connection to the file. */
class FileProcess {
  readonly log: SqliteEventLog;
  readonly store: SqliteProcessorStore;
  readonly recorder: Recorder;
  readonly process: OwnerProcess;

  constructor(path: string, act: Recorder['act'] = () => undefined) {
    const file = LogFile.open({ file: path });
    this.log = new SqliteEventLog(file);
    this.store = new SqliteProcessorStore(file);
    this.recorder = new Recorder();
    this.recorder.act = act;
    this.process = new OwnerProcess(this.log, this.store, this.recorder).start();
  }

  async end(): Promise<void> {
    await this.process.stop();
    await Promise.all([this.log.close(), this.store.close()]);
  }
}

describe('two processes on one file', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let processes: FileProcess[];
  let tasks: TaskLog;
  let writer: SqliteEventLog;

  beforeEach(() => {
    folder = temporaryFolder();
    processes = [];
    writer = SqliteEventLog.open({ file: folder.path('log.db') });
    tasks = new TaskLog(writer);
  });
  afterEach(async () => {
    for (const one of processes) await one.end();
    await writer.close();
    folder.remove();
  });

  function begin(act?: Recorder['act']): FileProcess {
    const begun = new FileProcess(folder.path('log.db'), act);
    processes.push(begun);
    return begun;
  }
  const progress = (taskId: string) => tasks.append(taskId, new ProgressUpdated({ progress: 1 }));
  const state = async ({ process }: FileProcess) => (await process.status()).state;

  it('never both handle events, and the second goes on where the first, killed, stood', async () => {
    const order: string[] = [];
    const first = begin(() => void order.push('first'));
    const id = await tasks.create();
    await until(() => first.recorder.of(id).length === 1);
    const second = begin(() => void order.push('second'));
    expect(await state(second)).toBe('standby');
    for (let n = 0; n < 20; n += 1) await progress(id);
    await until(() => first.recorder.of(id).length === 21);
    await until(
      async () => (await first.store.readCheckpoint('recorder')) === (await writer.head()),
    );
    await first.process.kill();
    while (second.recorder.handled.length < 30) await progress(id);
    const turned = order.indexOf('second');
    expect(order.slice(turned)).not.toContain('first');
    // The first one's last moments may come again, in order; nothing is missing.
    const all = [...first.recorder.of(id), ...second.recorder.of(id)];
    await until(() => second.recorder.of(id).at(-1) === tasks.stored.length - 1);
    expect(new Set([...all, ...second.recorder.of(id)])).toEqual(new Set(tasks.stored.keys()));
    const later = second.recorder.of(id);
    expect(later).toEqual(later.map((_, index) => (later[0] ?? 0) + index));
  }, 30_000);

  it('hand over at once and exactly when one of them stops', async () => {
    const first = begin();
    const id = await tasks.create();
    await until(() => first.recorder.of(id).length === 1);
    const second = begin();
    const third = begin();
    for (const one of [first, second, third]) {
      if (one !== first) expect(await state(one)).toBe('standby');
    }
    await progress(id);
    await until(() => first.recorder.of(id).length === 2);
    await first.end();
    processes.shift();
    await progress(id);
    await until(() => processes.some(({ recorder }) => recorder.of(id).length === 1));
    const [taken] = processes.filter(({ recorder }) => recorder.of(id).length > 0);
    expect(taken!.recorder.of(id)).toEqual([2]);
  }, 30_000);

  it('give up what is in hand when the term is lost, and begin again only after that has ended', async () => {
    const held = gate();
    let aborted = false;
    const first = begin((_, signal) => {
      signal.addEventListener('abort', () => (aborted = true));
      return held.opened;
    });
    const id = await tasks.create();
    await progress(id);
    await until(() => first.recorder.busy === 1);
    // The store hangs for longer than the lease lasts, then answers again.
    const acquire = first.store.acquireLease.bind(first.store);
    first.store.acquireLease = () => Promise.reject(new Error('away'));
    await until(() => aborted);
    let renewed = 0;
    first.store.acquireLease = (...args) => {
      renewed += 1;
      return acquire(...args);
    };
    await until(() => first.process.ownership.current !== undefined && renewed >= 3);
    expect(first.recorder.mostBusy).toBe(1);
    expect(first.recorder.tried).toEqual([`${id}/0`]);
    held.open();
    await until(() => first.recorder.of(id).at(-1) === 1);
    expect(first.recorder.mostBusy).toBe(1);
  }, 30_000);

  it('give up at once what a pause leaves some seconds, when the term is lost meanwhile', async () => {
    let aborted = false;
    const first = begin(
      (_, signal) =>
        new Promise<void>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            reject(new Error('stopped'));
          });
        }),
    );
    await tasks.create();
    await until(() => first.recorder.busy === 1);
    await first.process.run.setPaused(true);
    first.store.acquireLease = () => Promise.reject(new Error('away'));
    await until(() => first.process.ownership.current === undefined);
    await until(() => aborted, 'it is given up', 1_000);
  }, 30_000);

  it('rest while paused, whoever was asked, after a restart too, and go on when resumed', async () => {
    const first = begin();
    const second = begin();
    const id = await tasks.create();
    await until(() => processes.some(({ recorder }) => recorder.of(id).length === 1));
    const [owner, asked] = first.recorder.of(id).length ? [first, second] : [second, first];
    await asked.process.run.setPaused(true);
    await until(async () => (await state(owner)) === 'paused');
    expect(await owner.process.status()).toMatchObject({ state: 'paused', paused: true });
    expect(await asked.process.status()).toMatchObject({ state: 'standby', paused: true });
    await progress(id);
    await owner.end();
    processes = [asked];
    await until(async () => (await state(asked)) === 'paused');
    const again = begin();
    await until(async () => (await state(again)) === 'standby');
    expect(processes.flatMap(({ recorder }) => recorder.tried)).toEqual([]);
    await again.process.run.setPaused(false);
    await until(() => asked.recorder.of(id).length === 1);
    expect(asked.recorder.of(id)).toEqual([1]);
  }, 30_000);

  it('see at once that they are paused when they were asked themselves', async () => {
    const first = begin();
    const id = await tasks.create();
    await until(() => first.recorder.of(id).length === 1);
    const since = performance.now();
    await first.process.run.setPaused(true);
    await until(async () => (await state(first)) === 'paused');
    await first.process.run.setPaused(false);
    await progress(id);
    await until(() => first.recorder.of(id).length === 2);
    expect(performance.now() - since).toBeLessThan(1_000);
  });

  it('end what is in hand when they are paused', async () => {
    const held = gate();
    let aborted = false;
    const first = begin((_, signal) => {
      signal.addEventListener('abort', () => (aborted = true));
      return held.opened;
    });
    const id = await tasks.create();
    await until(() => first.recorder.busy === 1);
    await progress(id);
    await first.process.run.setPaused(true);
    setTimeout(held.open, 100);
    await until(async () => (await state(first)) === 'paused');
    expect(aborted).toBe(false);
    expect(first.recorder.of(id)).toEqual([0]);
    const position = await first.store.readCheckpoint('recorder');
    expect(position).toBe((await writer.readAll({ limit: 1 })).position);
  });
});
