import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Position, type TaskInfo, type TaskPage } from '@taskmanager/protocol';
import { SystemClock } from '../../context/index.js';
import { ViewsDatabase } from '../../database/index.js';
import { jobWork } from '../../jobs/job.fixture.js';
import { type EventLog, LogUnavailable, type NewEvent } from '../../event-store/index.js';
import { MemoryEventLog, MemoryLogStorage } from '../../event-store/memory/index.js';
import {
  ProgressUpdated,
  TaskCancelled,
  TaskDeleted,
  TaskErrorRecorded,
  TaskStarted,
  taskStream,
} from '../../events/index.js';
import { ClaimWaiters } from '../../projections/tasks/claim-waiters.js';
import { TaskProjection } from '../../projections/tasks/task.projection.js';
import { TaskLog } from '../../projections/task-log.fixture.js';
import { DELIVERIES, temporaryFolder } from '../../projections/views.fixture.js';
import { toTaskInfo } from '../../task/index.js';
import { failureOf } from './event-failed.js';
import { ProjectionRun } from './projection-run.js';
import { ViewGenerations } from './view-generations.js';
import { until } from '../../../test/until.js';

const LATER = 'Later';

/** A log into which a newer release writes at times: types that this one does not know. */
class MixedLog extends MemoryEventLog {
  newer = false;
  /** How long a stream takes to be read, milliseconds. */
  slowness = 0;

  constructor(private readonly kept: MemoryLogStorage) {
    super(kept);
  }

  override append(...[stream, expected, events]: Parameters<EventLog['append']>) {
    const named = (event: NewEvent) => ({ ...event, type: LATER + event.type });
    return super.append(stream, expected, this.newer ? events.map(named) : events);
  }

  override async readStream(...read: Parameters<EventLog['readStream']>) {
    const until = performance.now() + this.slowness;
    while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
    return super.readStream(...read);
  }

  /** As after an update: what was unknown in this task, or in its first `count` events of that kind, is known. */
  learn(taskId: string, count = Infinity): void {
    const unknown = (this.kept.streams.get(taskStream(taskId)) ?? []).filter(({ type }) =>
      type.startsWith(LATER),
    );
    for (const event of unknown.slice(0, count)) {
      Object.assign(event, { type: event.type.slice(LATER.length) });
    }
  }
}

/** The task view in a process of its own. */
class Process {
  readonly told: string[] = [];
  readonly run: ProjectionRun;
  private readonly view: TaskProjection;

  private constructor(
    log: EventLog,
    readonly database: ViewsDatabase,
  ) {
    const clock = new SystemClock();
    this.view = new TaskProjection(database, new ClaimWaiters(clock));
    const place = { database, generations: new ViewGenerations(database), log };
    const options = { name: 'tasks', version: 1 };
    const jobs = { isRunning: () => false };
    const tell = (message: string) => void this.told.push(message);
    this.run = new ProjectionRun(this.view, options, log, clock, place, jobs, tell);
    this.run.start();
  }

  static async over(log: EventLog, file: string): Promise<Process> {
    return new Process(log, await ViewsDatabase.open(file, () => undefined));
  }

  async stop(): Promise<void> {
    await this.run.stop();
    if (this.database.connection.open) this.database.close();
  }

  async reach(position: Position): Promise<void> {
    expect(await this.run.waiters.wait(position, 20_000)).toBe('reached');
  }

  shown(id: string): TaskInfo | undefined {
    return this.view.current?.reader.get(id);
  }

  all(): TaskPage {
    if (!this.view.current) throw new Error('Nothing serves.');
    return this.view.current.reader.page({
      groups: {},
      sort: 'createdAt',
      order: 'asc',
      limit: 500,
    });
  }

  total(): number | undefined {
    return this.view.current?.reader.stats({}).total;
  }

  async status(log: EventLog) {
    return (await this.run.status(await log.head()))[0]!;
  }
}

const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe.each(DELIVERIES)('what a view parks, every event delivered %s', (_, delivered) => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: MixedLog;
  let tasks: TaskLog;
  let process: Process;
  let other: string;
  let poisoned: string;

  beforeEach(async () => {
    folder = temporaryFolder();
    log = new MixedLog(new MemoryLogStorage());
    tasks = new TaskLog(log);
    process = await open();
    other = await tasks.create({ name: 'other' });
    poisoned = await tasks.create({ name: 'poisoned', labels: { team: 'x' }, data: { n: 1 } });
    await tasks.append(poisoned, new TaskStarted({ attempt: 1 }));
  });
  afterEach(async () => {
    await process.stop();
    folder.remove();
  });

  const open = () => Process.over(delivered(log), folder.path('views.db'));

  async function reopen(): Promise<void> {
    await process.stop();
    process = await open();
  }

  /** An event of a newer release in the middle, later ones behind it, and another task that goes on. */
  async function poison(): Promise<void> {
    await tasks.append(poisoned, new ProgressUpdated({ progress: 10 }));
    log.newer = true;
    await tasks.append(poisoned, new ProgressUpdated({ progress: 20 }));
    log.newer = false;
    await tasks.append(poisoned, new ProgressUpdated({ progress: 30 }));
    await goOn();
  }

  async function goOn(): Promise<void> {
    const error = `note ${tasks.stored.length}`;
    await process.reach(await tasks.append(other, new TaskErrorRecorded({ error })));
    expect(process.shown(other)).toEqual(json(toTaskInfo(tasks.tasks.get(other)!)));
  }

  function expectEqualToFold(): void {
    expect(process.all().tasks).toEqual(json(tasks.visible.map(toTaskInfo)));
    expect(process.total()).toBe(tasks.visible.length);
  }

  const isFree = async () => (await process.run.parked()).length === 0;
  const parkedAt = async (revision: number) => {
    const [parked] = await process.run.parked();
    return parked?.revision === revision && parked.wanted === undefined;
  };

  it('is one task: others go on, and it shows its last good state', async () => {
    await poison();
    expect(process.shown(poisoned)).toMatchObject({ progress: 10, revision: 2 });
    expect(await process.run.parked()).toEqual([
      {
        processor: 'tasks',
        stream: taskStream(poisoned),
        position: tasks.stored.find(({ revision }) => revision === 3)!.position,
        eventId: tasks.stored.find(({ revision }) => revision === 3)!.id,
        revision: 3,
        type: 'LaterProgressUpdated',
        error: expect.stringContaining('LaterProgressUpdated version 1 is not known'),
        attempts: 5,
        parkedAt: expect.any(Number),
      },
    ]);
    expect(await process.status(log)).toMatchObject({
      kind: 'projection',
      state: 'live',
      lag: 0,
      parked: 1,
      paused: false,
      lastError: { message: expect.stringContaining('not known') },
    });
    const lines = process.told.filter((line) => line.includes('has parked'));
    expect(lines).toEqual([
      expect.stringMatching(
        new RegExp(
          `tasks has parked task ${poisoned} .*not known.*tasks.admin.retry_parked_events`,
        ),
      ),
    ]);
  });

  it('is at once every task that fails for the same reason as one that is parked', async () => {
    await poison();
    log.newer = true;
    const unseen = await tasks.create({ name: 'another reason' });
    await tasks.append(other, new ProgressUpdated({ progress: 50 }));
    log.newer = false;
    await process.reach(await tasks.append(await tasks.create(), new TaskStarted({ attempt: 1 })));
    expect(await process.run.parked()).toMatchObject([
      { stream: taskStream(poisoned), attempts: 5 },
      { stream: taskStream(unseen), attempts: 5 },
      { stream: taskStream(other), attempts: 1 },
    ]);
  });

  it('stays parked through a restart, with what comes later', async () => {
    await poison();
    await reopen();
    await tasks.append(poisoned, new ProgressUpdated({ progress: 40 }));
    await goOn();
    expect(process.shown(poisoned)).toMatchObject({ progress: 10 });
    expect(process.told).toEqual([]);
    expect(await process.run.parked()).toMatchObject([{ revision: 3 }]);
  });

  it('is brought up to date, in order, once the cause is gone and a retry is asked for', async () => {
    await poison();
    log.learn(poisoned);
    expect(await process.run.release('retry', 'no such task')).toBe(0);
    expect(await process.run.release('retry', poisoned)).toBe(1);
    await until(isFree);
    expectEqualToFold();
    await process.reach(await tasks.append(poisoned, new ProgressUpdated({ progress: 50 })));
    expectEqualToFold();
    expect(await process.status(log)).toMatchObject({ parked: 0, failures: 0 });
  });

  it('is parked again, counted, by a retry that fails, there or further on', async () => {
    await poison();
    log.newer = true;
    await tasks.append(poisoned, new ProgressUpdated({ progress: 60 }));
    log.newer = false;
    await goOn();
    await process.run.release('retry');
    await until(() => parkedAt(3));
    expect(await process.run.parked()).toMatchObject([{ attempts: 6 }]);
    log.learn(poisoned, 1);
    await process.run.release('retry');
    await until(() => parkedAt(5));
    expect(await process.run.parked()).toMatchObject([{ attempts: 1 }]);
    expect(process.shown(poisoned)).toMatchObject({ progress: 30, revision: 4 });
    log.learn(poisoned);
    await process.run.release('retry');
    await until(isFree);
    expectEqualToFold();
  });

  it('cannot be discarded', async () => {
    await poison();
    await expect(process.run.release('discard')).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringMatching(/cannot be discarded.*would show what never was/),
    });
    expect(await process.run.parked()).toHaveLength(1);
  });

  it('is retried by the next start when the process was killed after it was asked', async () => {
    await poison();
    log.learn(poisoned);
    await process.stop();
    const database = await ViewsDatabase.open(folder.path('views.db'), () => undefined);
    new ViewGenerations(database).parked.wantRetry({ view: 'tasks', generation: 1 });
    database.close();
    process = await open();
    await until(isFree);
    expectEqualToFold();
  });

  it('may be a task that this release cannot even create, or one that is deleted meanwhile', async () => {
    log.newer = true;
    await tasks.append(poisoned, new ProgressUpdated({ progress: 5 }));
    const unseen = await tasks.create({ name: 'unseen' });
    log.newer = false;
    await tasks.append(unseen, new TaskStarted({ attempt: 1 }));
    await tasks.append(poisoned, new TaskCancelled({}), new TaskDeleted({}));
    await goOn();
    expect(process.shown(unseen)).toBeUndefined();
    expect(process.shown(poisoned)).toMatchObject({ status: 'running' });
    for (const id of [unseen, poisoned]) log.learn(id);
    expect(await process.run.release('retry')).toBe(2);
    await until(isFree);
    expectEqualToFold();
  });

  it('may lack rows: a retry folds them from the log, whatever else was left of the task', async () => {
    await goOn();
    const { connection } = process.database;
    await process.stop();
    const database = await ViewsDatabase.open(folder.path('views.db'), () => undefined);
    database.connection.prepare('DELETE FROM task_row_1 WHERE id = ?').run(poisoned);
    database.close();
    expect(connection.open).toBe(false);
    process = await open();
    await tasks.append(poisoned, new ProgressUpdated({ progress: 70 }));
    await goOn();
    expect(process.shown(poisoned)).toBeUndefined();
    expect(await process.run.parked()).toMatchObject([
      { revision: 2, error: expect.stringMatching(/no row of this task.*retry_parked_events/) },
    ]);
    await process.run.release('retry');
    await until(isFree);
    expectEqualToFold();
  });

  it('begins anew with a rebuild', async () => {
    await poison();
    await process.run.rebuild(jobWork(), { keepOld: false });
    await until(async () => process.database.connection.prepare(SERVING).pluck().get() === 2);
    await goOn();
    expect(await process.run.parked()).toMatchObject([{ revision: 3, attempts: 5 }]);
    expect(process.shown(poisoned)).toMatchObject({ progress: 10 });
    log.learn(poisoned);
    await process.run.rebuild(jobWork(), { keepOld: false });
    await goOn();
    expect(await process.run.parked()).toEqual([]);
    expectEqualToFold();
    const left = process.database.connection.prepare('SELECT count(*) FROM view_parked').pluck();
    await until(() => left.get() === 0);
  });

  it('is retried a little at a time, so that new events do not wait for all of it', async () => {
    log.newer = true;
    const many = [poisoned, await tasks.create({ name: 'b' }), await tasks.create({ name: 'c' })];
    await tasks.append(poisoned, new ProgressUpdated({ progress: 5 }));
    log.newer = false;
    await goOn();
    for (const id of many) log.learn(id);
    log.slowness = 150;
    expect(await process.run.release('retry')).toBe(3);
    await until(async () => (await process.run.parked()).length < 3);
    await goOn();
    expect((await process.run.parked()).length).toBeGreaterThan(0);
    await until(isFree);
    expectEqualToFold();
  });

  it('is seen and retried by whichever of two processes on one file is asked', async () => {
    const second = await open();
    await poison();
    log.learn(poisoned);
    await second.reach((await log.head())!);
    expect(await second.run.parked()).toHaveLength(1);
    await second.run.release('retry');
    await until(isFree);
    for (let n = 0; n < 20; n++) {
      const last = await tasks.append(poisoned, new ProgressUpdated({ progress: 80 + n / 2 }));
      await Promise.all([process.reach(last), second.reach(last)]);
    }
    expectEqualToFold();
    expect([...process.told, ...second.told].join()).toMatch(/has parked/);
    await second.stop();
  });

  it('is nothing when the trouble is the disk', async () => {
    const { database } = process;
    const write = database.write.bind(database);
    let failed = 0;
    database.write = (run) =>
      write(() => {
        run();
        failed += 1;
        throw Object.assign(new Error('disk full'), { code: 'SQLITE_FULL' });
      });
    await tasks.append(poisoned, new ProgressUpdated({ progress: 90 }));
    await until(() => failed > 5);
    expect(await process.status(log)).toMatchObject({ state: 'retrying', parked: 0 });
    database.write = write;
    await goOn();
    expectEqualToFold();
    expect(await process.run.parked()).toEqual([]);
  });

  it('is not parked anew by a retry while the log is away', async () => {
    await poison();
    // Each opening reads the stream of the newest task: that is to be another one.
    await process.reach(await tasks.append(await tasks.create(), new TaskStarted({ attempt: 1 })));
    log.learn(poisoned);
    const readStream = log.readStream.bind(log);
    let refused = 0;
    log.readStream = (stream, options) => {
      if (stream !== taskStream(poisoned) || refused === 2) return readStream(stream, options);
      refused += 1;
      return Promise.reject(new LogUnavailable('away', false));
    };
    await process.run.release('retry');
    await until(isFree);
    expect(refused).toBe(2);
    expectEqualToFold();
  });

  it('waits with everything else while the view is paused, which a restart does not end', async () => {
    await poison();
    log.learn(poisoned);
    await process.run.setPaused(true);
    await until(async () => (await process.status(log)).state === 'paused');
    await process.run.release('retry');
    const position = await tasks.append(other, new TaskStarted({ attempt: 1 }));
    expect(await process.run.waiters.wait(position, 200)).toBe('late');
    await reopen();
    expect(await process.run.waiters.wait(position, 200)).toBe('late');
    expect(await process.status(log)).toMatchObject({ state: 'paused', paused: true, parked: 1 });
    expect(process.shown(other)).toMatchObject({ status: 'pending' });
    await process.run.setPaused(false);
    await process.reach(position);
    await until(isFree);
    expectEqualToFold();
    expect(await process.status(log)).toMatchObject({ state: 'live', paused: false });
  });

  it('stops and goes on where another process on the file is told to', async () => {
    const second = await open();
    await goOn();
    await second.run.setPaused(true);
    expect((await process.status(log)).state).toBe('paused');
    const position = await tasks.append(other, new TaskStarted({ attempt: 1 }));
    expect(await process.run.waiters.wait(position, 200)).toBe('late');
    expect((await process.status(log)).state).toBe('paused');
    await second.run.setPaused(false);
    await Promise.all([process.reach(position), second.reach(position)]);
    expectEqualToFold();
    await second.stop();
  });
});

const SERVING = "SELECT generation FROM view_generation WHERE state = 'serving'";

describe('the failure of an event', () => {
  it('is not made of trouble with the database', async () => {
    const tasks = new TaskLog(new MemoryEventLog());
    await tasks.create();
    const [event] = tasks.stored;
    const trouble = Object.assign(new Error('read error'), { code: 'SQLITE_IOERR_READ' });
    expect(() => failureOf(event!, trouble)).toThrow(trouble);
    expect(failureOf(event!, new TypeError('no'))).toMatchObject({
      event: { type: 'TaskCreated', revision: 0, id: event!.id },
      cause: { message: 'no' },
    });
  });
});
