import { beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { contextFor, SetClock } from '../../test/given.js';
import { withContext } from '../context/index.js';
import { LogUnavailable } from '../event-store/index.js';
import { MemoryEventLog } from '../event-store/memory/index.js';
import { ADMIN_STREAM, ChainEnds } from '../events/index.js';
import { StreamAdminJournal } from './admin-journal.js';

let log: MemoryEventLog;
let journals: StreamAdminJournal[];

const command = (fields: object = {}) =>
  withContext({ ...fields }, contextFor({ commandId: randomUUID() }));

beforeEach(() => {
  log = new MemoryEventLog();
  journals = [new SetClock(), new SetClock()].map((clock) => new StreamAdminJournal(log, clock));
});

describe('what admins tell the service to do', () => {
  test('is kept with its fields, and the reason beside them', async () => {
    await journals[0]?.record('pause_processor', command({ name: 'retry', reason: 'moving' }));
    const [event] = await log.readStream(ADMIN_STREAM);
    expect(JSON.parse(event?.data ?? '')).toEqual({
      command: 'pause_processor',
      args: { name: 'retry' },
      reason: 'moving',
    });
  });

  test('is one chain, whichever processes write to it at once', async () => {
    const both = journals.flatMap((journal) => [1, 2].map(() => journal.record('x', command())));
    await Promise.all(both);
    const events = await log.readStream(ADMIN_STREAM);
    expect(events.map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n]);
  });

  test.each([
    ['its hash', '{"timestamp":7,"version":1}'],
    ['all that could be read of it', '{'],
  ])('is kept behind an event that has lost %s, which is the one fault', async (_, metadata) => {
    const [journal] = journals;
    await journal?.record('backup', command());
    const id = randomUUID();
    await log.append(ADMIN_STREAM, 0n, [{ id, type: 'AdminCommandSent', data: '{}', metadata }]);
    for (const name of ['abort_job', 'pause_processor']) await journal?.record(name, command());
    const events = await log.readStream(ADMIN_STREAM);
    expect(events.map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n]);
    const ends = new ChainEnds();
    const faults = events.map((event) => ends.follow(event)?.code);
    expect(faults).toEqual([undefined, 'no_hash', undefined, undefined]);
  });

  test('is done all the same when it cannot be written', async () => {
    log.append = () => Promise.reject(new LogUnavailable('the disk is full', false));
    await expect(journals[0]?.record('abort_job', command())).resolves.toBeUndefined();
  });
});
