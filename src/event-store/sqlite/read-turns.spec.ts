import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { newEvents } from '../../../test/contract/event-log-harness.js';
import { temporaryFolder } from '../../../test/contract/temporary-folder.js';
import { SqliteEventLog } from './sqlite-event-log.js';

describe('a reader in a tight loop', () => {
  let place: Awaited<ReturnType<typeof temporaryFolder>>;
  let log: SqliteEventLog;
  beforeEach(async () => {
    place = await temporaryFolder('log.db');
    log = SqliteEventLog.open({ file: place.file });
    for (let n = 0; n < 6; n += 1) await log.append(`s-${n}`, 'no_stream', newEvents(1_000));
  });
  afterEach(async () => {
    await log.close();
    await place.remove();
  });

  /** How often the event loop turned while the work went on. */
  async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
    let [turns, going] = [0, true];
    const turn = () => {
      turns += 1;
      if (going) setImmediate(turn);
    };
    setImmediate(turn);
    await work();
    going = false;
    return turns;
  }

  it('lets the event loop turn between pages of the whole log', async () => {
    const turns = await turnsDuring(async () => {
      for (let page = await log.readAll({ limit: 100 }); !page.end;) {
        page = await log.readAll({ after: page.position, limit: 100 });
      }
    });
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it('lets the event loop turn between batches of a subscription that catches up', async () => {
    const turns = await turnsDuring(async () => {
      for await (const { caughtUp } of log.subscribe({ from: 'start' })) if (caughtUp) break;
    });
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it('lets the event loop turn between reads of streams', async () => {
    const turns = await turnsDuring(async () => {
      for (let n = 0; n < 6; n += 1) await log.readStream(`s-${n}`);
    });
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it('gets a page cut short when its events are large, small ones before them or not, with the position it came to', async () => {
    const data = JSON.stringify('x'.repeat(100_000));
    const large = newEvents(400).map((event) => ({ ...event, data }));
    const small = 625;
    const { position: after } = await log.readAll({ limit: 6_000 - small });
    for (let n = 0; n < 4; n += 1) {
      await log.append(`large-${n}`, 'no_stream', large.slice(n * 100, n * 100 + 100));
    }
    const page = await log.readAll({ after, limit: 10_000 });
    expect(page.end).toBe(false);
    expect(page.events.length).toBeLessThan(small + 250);
    expect(page.position).toBe(page.events.at(-1)!.position);
    const rest = await log.readAll({ after: page.position, limit: 10_000 });
    expect(rest.events[0]!.id).toBe(large[page.events.length - small]!.id);
  });
});
