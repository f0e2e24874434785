import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { EventLog } from '../../event-store/index.js';
import { ProgressUpdated } from '../../events/index.js';
import { JobAborted, JobInterrupted } from '../../jobs/index.js';
import { gate } from '../../processing/handlers/handler-run.fixture.js';
import { ProcessorLoop, type ProcessorRunner } from '../../processing/index.js';
import {
  AuditFolder,
  change,
  EVENTS,
  JOB,
  reached,
  rowsOf,
  states,
  work,
} from './audit-folder.fixture.js';
import { AuditReader } from './audit-reader.js';
import type { AuditProjection } from './audit.projection.js';
import { until } from '../../../test/until.js';

let here: AuditFolder;
beforeEach(async () => {
  here = await AuditFolder.filled();
});
afterEach(() => here.close());

it('a rebuild of the audit may go on before its loop has opened the file that serves', async () => {
  await here.stop(await here.caughtUp());
  const process = await here.opened();
  expect(await process.run.rebuild(work(), { keepOld: true })).toMatchObject({ ok: true, kept: 1 });
  await reached(process);
  expect(await rowsOf(process)).toEqual(here.written());
});

it('never lets a build of the audit serve that another process has given up', async () => {
  const one = await here.caughtUp();
  const { builds } = one.run;
  const begun = await builds.openRebuild(JOB);
  builds.giveUp(begun.generation);
  expect(() => builds.promote(begun, 'retired')).toThrow('audit');
  expect(states(one)).toEqual(['1 serving', '2 retired']);
});

it('takes no file away that another process has begun since', async () => {
  const [one, two] = [await here.caughtUp(), await here.caughtUp()];
  const { generation } = await one.run.builds.openRebuild('gone');
  one.run.builds.giveUp(generation);
  const call = two.thread.call.bind(two.thread);
  const [isAtIt, mayGoOn] = [gate(), gate()];
  two.thread.call = async (method, ...args) => {
    if (method === 'drop') {
      isAtIt.open();
      await mayGoOn.opened;
    }
    return call(method, ...args);
  };
  const dropping = two.run.builds.dropRetired();
  await isAtIt.opened;
  await one.run.builds.dropRetired();
  const next = await one.run.builds.openRebuild(JOB);
  mayGoOn.open();
  await dropping;
  expect(here.files()).toEqual(['audit-1.db', basename(next.file)]);
});

describe('rebuilding the audit', () => {
  it('answers every query from the old file or the new one, though the old one is taken away', async () => {
    // A log that takes its time: the new file is opened again long after it was swapped in.
    const slow: EventLog = Object.assign(Object.create(here.audit.log) as EventLog, {
      readStream: async (...args: Parameters<EventLog['readStream']>) => {
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
        return here.audit.log.readStream(...args);
      },
    });
    const { run, thread, log } = await here.caughtUp(slow);
    const projection = { run, thread } as unknown as AuditProjection;
    const reader = new AuditReader(projection, {} as ProcessorRunner, log);
    const files = new Set<string>();
    const asking = new AbortController();
    const asked = (async () => {
      while (!asking.signal.aborted) {
        const { rows } = await reader.read({ now: false }, (inPlace, file) => {
          files.add(file);
          return inPlace.call('page', file, { order: 'desc', limit: 1 });
        });
        expect(rows).toHaveLength(1);
      }
    })();
    await run.rebuild(work(), { keepOld: false });
    await until(() => !existsSync(here.path('audit-1.db')));
    asking.abort();
    await asked;
    expect(files.size).toBe(2);
  });

  it('makes a file that equals the log, while events go on, and keeps the old one until it is dropped', async () => {
    const process = await here.caughtUp();
    change(process.run.file!, "UPDATE detail SET line = 'wrong'");
    let added = 0;
    const reports: number[] = [];
    const adding: Promise<unknown>[] = [];
    const report = await process.run.rebuild(
      work((_, done) => {
        reports.push(done);
        if (added++ < 5)
          adding.push(here.audit.append(added, new ProgressUpdated({ progress: added })));
      }),
      { keepOld: true },
    );
    await Promise.all(adding);
    await reached(process);
    expect(report).toMatchObject({ projection: 'audit', generation: 2, ok: true, kept: 1 });
    expect(await process.run.verify(work())).toMatchObject({ ok: true, rows: EVENTS + 5 });
    expect(reports).toEqual(expect.arrayContaining([500, 1_000]));
    expect(states(process)).toEqual(['1 kept', '2 serving']);
    expect(await process.run.dropBuilds()).toEqual([1]);
    expect(here.files()).toEqual(['audit-2.db']);
    expect(states(process)).toEqual(['2 serving']);
  });

  it('brings the new file what came while it was compared before the old one stands still', async () => {
    const process = await here.caughtUp();
    let adding: Promise<void> | undefined;
    const comparing = work((_, _done, step) => {
      if (step === 'verify') adding ??= here.audit.fill(2_000);
    });
    const stop = jest.spyOn(ProcessorLoop.prototype, 'stop');
    const call = jest.spyOn(process.thread, 'call');
    await process.run.rebuild(comparing, { keepOld: false });
    const [stopped = 0] = stop.mock.invocationCallOrder;
    const written = call.mock.calls.flatMap(([method, file], n) =>
      method === 'write' && file === here.path('audit-2.db')
        ? call.mock.invocationCallOrder[n]!
        : [],
    );
    const meanwhile = written.filter((order) => order < stopped);
    expect(meanwhile.length).toBeGreaterThanOrEqual((EVENTS + 2_000) / 500);
    expect(written.length - meanwhile.length).toBeLessThanOrEqual(1);
    await adding;
    await reached(process);
    expect(await rowsOf(process)).toEqual(here.written());
    for (const spy of [stop, call]) spy.mockRestore();
  });

  it('takes its file away when it is aborted, and the old one goes on serving', async () => {
    const process = await here.caughtUp();
    const aborted = work((abort) => abort.abort(new JobAborted('JobAborted')));
    await expect(process.run.rebuild(aborted, { keepOld: true })).rejects.toThrow('JobAborted');
    expect(here.files()).toEqual(['audit-1.db']);
    expect(states(process)).toEqual(['1 serving', '2 retired']);
    await here.audit.fill(5);
    await reached(process);
    expect(await rowsOf(process)).toEqual(here.written());
  });

  it('goes on with what an earlier life has filled', async () => {
    const process = await here.caughtUp();
    const interrupted = work((abort) => abort.abort(new JobInterrupted('stopped')));
    await expect(process.run.rebuild(interrupted, { keepOld: false })).rejects.toThrow();
    await here.stop(process);
    const again = await here.caughtUp();
    const reports: number[] = [];
    const report = await again.run.rebuild(
      work((_, done) => reports.push(done)),
      { keepOld: false },
    );
    // Two pages of 500 were written before the first life ended.
    expect(reports[0]).toBe(EVENTS);
    expect(report).toMatchObject({ generation: 2, ok: true, events: EVENTS });
    await until(() => here.files().length === 1);
    expect(here.files()).toEqual(['audit-2.db']);
    expect(await rowsOf(again)).toEqual(here.written());
  });

  it('is done when its process died right after the swap, and builds nothing again', async () => {
    const process = await here.caughtUp();
    await process.run.rebuild(work(), { keepOld: true });
    await here.stop(process);
    // Before its loop has opened the file.
    const again = await here.opened();
    expect(await again.run.rebuild(work(), { keepOld: true })).toEqual({
      projection: 'audit',
      generation: 2,
      ok: true,
      rows: EVENTS,
      events: EVENTS,
      kept: 1,
      position: await here.audit.log.head(),
      differences: [],
      differenceCount: 0,
    });
    expect(states(again)).toEqual(['1 kept', '2 serving']);
    // Another job's build is its own.
    await again.run.rebuild(work(undefined, 'another'), { keepOld: false });
    expect(states(again)).toContain('3 serving');
  });

  it('gives up at the start what a job that no longer runs has begun', async () => {
    const process = await here.caughtUp();
    const interrupted = (jobId: string) =>
      process.run.rebuild(
        work((abort) => abort.abort(new JobInterrupted('stopped')), jobId),
        { keepOld: false },
      );
    await expect(interrupted(JOB)).rejects.toThrow();
    await expect(interrupted('gone')).rejects.toThrow();
    await here.stop(process);
    const again = await here.caughtUp();
    await until(() => here.files().length === 2);
    expect(states(again)).toEqual(['1 serving', '2 building', '3 retired']);
  });

  it('another process leaves a file that was kept when it is dropped, so that its room is free', async () => {
    const [one, other] = [await here.caughtUp(), await here.caughtUp()];
    await one.run.rebuild(work(), { keepOld: true });
    await until(() => other.run.file?.endsWith('audit-2.db') === true);
    // As a witness it asks the kept file, too, which stays open then.
    expect((await other.run.builds.witnesses()).files).toHaveLength(2);
    const kept = here.path('audit-1.db');
    expect((await other.thread.call('state', kept)).events).toBe(EVENTS);
    expect(await one.run.dropBuilds()).toEqual([1]);
    expect(here.files()).toEqual(['audit-2.db']);
    const isLeft = () =>
      other.thread.call('state', kept).then(
        () => false,
        () => true,
      );
    await until(isLeft, 'the file is closed');
    expect(await rowsOf(other)).toEqual(here.written());
    expect([...one.told, ...other.told]).toEqual([]);
  });

  it('another process sees that another file serves', async () => {
    const [one, other] = [await here.caughtUp(), await here.caughtUp()];
    await one.run.rebuild(work(), { keepOld: false });
    await until(() => other.run.file?.endsWith('audit-2.db') === true);
    await here.audit.fill(5);
    await reached(other);
    expect(await rowsOf(other)).toEqual(here.written());
  });
});
