import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  batchesUntil,
  idsOf,
  newEvent,
  newEvents,
} from '../../../test/contract/event-log-harness.js';
import { compileEventStore, runWithLog } from '../../../test/contract/event-store-process.js';
import { temporaryFolder } from '../../../test/contract/temporary-folder.js';
import type { RevisionConflict } from '../event-log.errors.js';
import type { EventLog } from '../event-log.port.js';
import { SqliteEventLog } from './sqlite-event-log.js';

describe('two processes on one log', () => {
  let place: Awaited<ReturnType<typeof temporaryFolder>>;
  let log: SqliteEventLog;
  beforeEach(async () => {
    place = await temporaryFolder('log.db');
    log = SqliteEventLog.open({ file: place.file, recentEvents: 50 });
  });
  afterEach(async () => {
    await log.close();
    await place.remove();
  });

  it('take turns on one stream: each conflict is seen, no revision is lost or given twice', async () => {
    await compileEventStore(place.folder);
    const { lines, ended } = await runWithLog(
      place.folder,
      place.file,
      `const appendToShared = ${appendToShared.toString()};
       await appendToShared(log, newEvent, 150);
       await log.close();
       say('done');`,
    );
    const seen = batchesUntil(log, { from: 'start' }, (_, all) => all.length >= 300);
    const own = appendToShared(log, newEvent, 150);
    for await (const line of lines) expect(line).toBe('done');
    await Promise.all([own, ended]);
    const stored = await log.readStream('shared');
    expect(stored.map(({ revision }) => Number(revision))).toEqual([...Array(300).keys()]);
    expect(idsOf((await seen).events)).toEqual(idsOf(stored));
  });

  it('lose nothing that was acknowledged when one of them is killed while it writes', async () => {
    await compileEventStore(place.folder);
    const { child, lines, ended } = await runWithLog(
      place.folder,
      place.file,
      `for (let n = 0; ; n += 1) {
         const events = Array.from({ length: 20 }, () => newEvent());
         await Promise.all(events.map(async (event, i) => {
           await log.append('task-' + n + '-' + i, 'no_stream', [event]);
           say(event.id);
         }));
       }`,
    );
    const acknowledged: string[] = [];
    for await (const line of lines) {
      acknowledged.push(line);
      if (acknowledged.length === 200) child.kill('SIGKILL');
    }
    await ended;
    await log.append('after', 'no_stream', [newEvent()]);
    const { events } = await batchesUntil(log, { from: 'start' }, (all) => all.at(-1)!.caughtUp);
    const stored = new Set(idsOf(events));
    expect(acknowledged.length).toBeGreaterThanOrEqual(200);
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  });

  it('tell their subscribers of each other, while the memory of recent events overflows too', async () => {
    const other = SqliteEventLog.open({ file: place.file });
    const live = [1, 2, 3].map(() =>
      batchesUntil(log, { from: 'now', batchSize: 30 }, (_, all) => all.length >= 1_200),
    );
    for (let n = 0; n < 10; n += 1) {
      await other.append(`other-${n}`, 'no_stream', newEvents(60));
      await log.append(`own-${n}`, 'no_stream', newEvents(60));
    }
    const expected = idsOf((await log.readAll({ limit: 10_000 })).events);
    for (const { events } of await Promise.all(live)) expect(idsOf(events)).toEqual(expected);
    await other.close();
  });

  it('hand the same event objects to all who listen in one process', async () => {
    const enough = (_: unknown, all: readonly unknown[]) => all.length > 0;
    const reading = [1, 2].map(() => batchesUntil(log, { from: 'now' }, enough));
    await log.append('s', 'no_stream', [newEvent()]);
    const [one, two] = await Promise.all(reading);
    expect(one!.events[0]).toBe(two!.events[0]);
  });
});

/** Appends to one stream; on a conflict it reads the head again, as a command would. */
async function appendToShared(
  log: EventLog,
  makeEvent: typeof newEvent,
  count: number,
): Promise<void> {
  for (let done = 0; done < count;) {
    const [head] = await log.readStream('shared', { direction: 'backwards', limit: 1 });
    try {
      await log.append('shared', head ? head.revision : 'no_stream', [makeEvent()]);
      done += 1;
    } catch (error) {
      if ((error as RevisionConflict).code !== 'REVISION_CONFLICT') throw error;
    }
  }
}
