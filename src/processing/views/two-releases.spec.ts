import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { SystemClock } from '../../context/index.js';
import { ViewsDatabase } from '../../database/index.js';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import { jobWork } from '../../jobs/job.fixture.js';
import { ClaimWaiters } from '../../projections/tasks/claim-waiters.js';
import { TaskProjection } from '../../projections/tasks/task.projection.js';
import { TaskLog } from '../../projections/task-log.fixture.js';
import { temporaryFolder } from '../../projections/views.fixture.js';
import { ProjectionRun } from './projection-run.js';
import { ViewGenerations } from './view-generations.js';
import { until } from '../../../test/until.js';

/** The view's tables are the same in both: what differs is what is in the rows. */
const OLD = 2_001;
const YOUNG = 2_002;

/** One process of one release, as far as the view knows it. */
interface Process {
  readonly run: ProjectionRun;
  readonly view: TaskProjection;
  readonly database: ViewsDatabase;
  readonly generations: ViewGenerations;
}

let folder: ReturnType<typeof temporaryFolder>;
let tasks: TaskLog;
let processes: Process[];

beforeEach(() => {
  folder = temporaryFolder();
  tasks = new TaskLog(new MemoryEventLog());
  processes = [];
});
afterEach(async () => {
  await Promise.all(processes.map(({ run }) => run.stop()));
  for (const { database } of processes) database.close();
  folder.remove();
});

const NO_JOBS = { isRunning: () => false };

async function started(
  version: number,
  change: (view: TaskProjection) => void = () => undefined,
): Promise<Process> {
  const database = await ViewsDatabase.open(folder.path('views.db'), () => undefined);
  const { log } = tasks;
  const clock = new SystemClock();
  const view = new TaskProjection(database, new ClaimWaiters(clock));
  change(view);
  const generations = new ViewGenerations(database);
  const place = { database, generations, log };
  const options = { name: 'tasks', version };
  const run = new ProjectionRun(view, options, log, clock, place, NO_JOBS, () => undefined);
  run.start();
  const process = { run, view, database, generations };
  processes.push(process);
  await reached(process);
  return process;
}
const reached = async ({ run }: Process) =>
  expect(await run.waiters.wait((await tasks.log.head())!, 20_000)).toBe('reached');
const served = ({ generations }: Process, version: number) =>
  generations.of('tasks').find((one) => one.version === version && one.state === 'serving');
const missing = ({ view }: Process) =>
  tasks.visible.filter(({ id }) => view.current?.reader.get(id) === undefined);

it('two releases on one file, one of which builds its version anew: neither lacks a task', async () => {
  for (let n = 0; n < 5; n += 1) await tasks.create();
  const old = await started(OLD);
  const young = await started(YOUNG);
  for (let n = 0; n < 4; n += 1) {
    await tasks.create();
    await reached(young);
    await until(async () => served(old, OLD)?.position === (await tasks.log.head()));
    expect([missing(old), missing(young)]).toEqual([[], []]);
  }
  const serving = young.generations.of('tasks').filter(({ state }) => state === 'serving');
  expect(serving).toMatchObject([
    { generation: 2, version: YOUNG, state: 'serving' },
    { generation: 3, version: OLD, state: 'serving' },
  ]);
});

it('a release whose build another one has replaced finds that out on an idle log too', async () => {
  for (let n = 0; n < 5; n += 1) await tasks.create();
  const old = await started(OLD);
  const young = await started(YOUNG);
  expect(missing(young)).toEqual([]);
  await until(() => served(old, OLD) !== undefined);
  expect(missing(old)).toEqual([]);
  expect(old.view.current?.timers.countDue(0, 1)).toBe(0);
});

it('a process that takes an old build away stops when its number is given to a new one', async () => {
  await tasks.create();
  const { database, generations } = await started(OLD);
  const begin = () => generations.begin('tasks', OLD, tasks.log.logId, 'job');
  database.write(() => generations.setState(begin(), 'retired'));
  let steps = 0;
  await started(OLD, (view) => {
    view.dropStep = () => {
      steps += 1;
      return false;
    };
  });
  await until(() => steps > 1);
  // The first process has taken the rest away, and rebuilds.
  database.write(() => {
    generations.forget(generations.find('tasks', 2)!);
    begin();
  });
  const before = steps;
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(steps).toBe(before);
  expect(generations.of('tasks')).toMatchObject([{ state: 'serving' }, { state: 'building' }]);
});

it('no task goes from what a process answers while another one brings a new build to serve', async () => {
  for (let n = 0; n < 5; n += 1) await tasks.create();
  const first = await started(OLD);
  const second = await started(OLD);
  let ended = false;
  const lacking: unknown[] = [];
  const asked = (async () => {
    while (!ended) {
      lacking.push(...missing(second));
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  await first.run.rebuild(jobWork(), { keepOld: false });
  await until(() => first.generations.of('tasks').length === 1);
  ended = true;
  await asked;
  expect(lacking).toEqual([]);
});

it('a release answers from what a younger one has replaced until it has built its own anew', async () => {
  for (let n = 0; n < 5; n += 1) await tasks.create();
  let goOn: () => void = () => undefined;
  const isToGoOn = new Promise<void>((resolve) => (goOn = resolve));
  const opened: number[] = [];
  const old = await started(OLD, (view) => {
    const open = view.open.bind(view);
    view.open = async (generation) => {
      if (generation > 1) await isToGoOn;
      opened.push(generation);
      return open(generation);
    };
  });
  const young = await started(YOUNG);
  const replaced = served(young, YOUNG)!.generation;
  await young.run.rebuild(jobWork(), { keepOld: false });
  await until(() => young.generations.find('tasks', replaced) === undefined);
  expect(missing(old)).toEqual([]);
  goOn();
  await until(() => served(old, OLD) !== undefined);
  expect(missing(old)).toEqual([]);
  expect(opened).not.toContain(served(young, YOUNG)!.generation);
});
