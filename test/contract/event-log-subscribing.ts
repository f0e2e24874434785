import { expect, it } from '@jest/globals';
import type { EventLog, LogBatch } from '../../src/event-store/index.js';
import {
  batchesUntil,
  idsOf,
  newEvent,
  newEvents,
  readAllPages,
  useEventLog,
  type MakeEventLogHarness,
} from './event-log-harness.js';

export function subscribingCases(make: MakeEventLogHarness): void {
  const using = useEventLog(make);

  it('catches up from the start and says when it has', async () => {
    const { log, prefix, newStream } = using();
    const events = newEvents(30);
    await log.append(newStream(), 'no_stream', events);
    const filter = { streamPrefix: prefix };
    const caughtUp = (all: readonly LogBatch[]) => all.at(-1)!.caughtUp;
    const { events: seen } = await batchesUntil(
      log,
      { from: 'start', filter, batchSize: 7 },
      caughtUp,
    );
    expect(idsOf(seen)).toEqual(idsOf(await readAllPages(log, { filter })));
    expect(idsOf(seen).slice(-30)).toEqual(idsOf(events));
  });

  it('begins at now with a batch that is caught up, and then tells only what comes after', async () => {
    const { log, newStream } = using();
    await log.append(newStream(), 'no_stream', newEvents(3));
    const head = await log.head();
    const batches = log.subscribe({ from: 'now' })[Symbol.asyncIterator]();
    const first = (await batches.next()).value as LogBatch;
    expect(first).toEqual({ events: [], position: head, caughtUp: true });
    const [waiting, event] = [batches.next(), newEvent()];
    await log.append(newStream(), 'no_stream', [event]);
    expect(idsOf(((await waiting).value as LogBatch).events)).toEqual([event.id]);
    await batches.return?.();
  });

  it('means by now the head at the call, not at the first batch', async () => {
    const { log, prefix, newStream } = using();
    const subscription = log.subscribe({ from: 'now', filter: { streamPrefix: prefix } });
    const event = newEvent();
    await log.append(newStream(), 'no_stream', [event]);
    for await (const batch of subscription) {
      expect(idsOf(batch.events)).toEqual([event.id]);
      break;
    }
  });

  it('goes on strictly after a position', async () => {
    const { log, prefix, newStream } = using();
    const [stream, events] = [newStream(), newEvents(5)];
    await log.append(stream, 'no_stream', events);
    const stored = await log.readStream(stream);
    const options = { from: stored[1]!.position, filter: { streamPrefix: prefix } };
    const { events: seen } = await batchesUntil(log, options, (_, all) => all.length >= 3);
    expect(idsOf(seen)).toEqual(idsOf(events.slice(2)));
  });

  it('says that it caught up even when nothing matches', async () => {
    const { log, newStream } = using();
    await log.append(newStream(), 'no_stream', newEvents(25));
    const options = { from: 'start', filter: { types: ['Nothing'] }, batchSize: 10 } as const;
    const { events, last } = await batchesUntil(log, options, (all) => all.at(-1)!.caughtUp);
    expect(events).toEqual([]);
    expect(last.position).toBe(await log.head());
  });

  it('moves the position over live events that the filter leaves out', async () => {
    const { log, newStream } = using();
    const options = { from: 'now', filter: { types: ['Nothing'] } } as const;
    let position = '';
    const { events } = await batchesUntil(log, options, async (all) => {
      if (all.length === 1) {
        ({ position } = await log.append(newStream(), 'no_stream', newEvents(3)));
      }
      return position !== '' && (all.at(-1)!.position ?? '') >= position;
    });
    expect(events).toEqual([]);
  });

  it('neither loses nor repeats an event while appends go on during the catch-up', async () => {
    const { log, harness, prefix, newStream } = using();
    const other = await harness.open();
    const after = await log.head();
    await log.append(newStream(), 'no_stream', newEvents(500));
    const writing = Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        writeSlowly(n % 4 === 0 ? other : log, newStream(), 1 + (n % 3)),
      ),
    );
    const total = 500 + Array.from({ length: 200 }, (_, n) => 1 + (n % 3)).reduce((a, b) => a + b);
    const options = {
      from: after ?? 'start',
      filter: { streamPrefix: prefix },
      batchSize: 20,
    } as const;
    const readers = [1, 2, 3].map(() =>
      batchesUntil(log, options, (_, all) => all.length >= total),
    );
    const seen = await Promise.all(readers);
    await writing;
    const expected = idsOf(await readAllPages(log, { after, filter: { streamPrefix: prefix } }));
    expect(expected).toHaveLength(total);
    for (const { events } of seen) expect(idsOf(events)).toEqual(expected);
    await other.close();
  });

  it('waits for a slow reader, which then gets everything in batches of its size', async () => {
    const { log, prefix, newStream } = using();
    const filter = { streamPrefix: prefix };
    const batches = log.subscribe({ from: 'now', filter, batchSize: 10 })[Symbol.asyncIterator]();
    await batches.next();
    const events = newEvents(95);
    await log.append(newStream(), 'no_stream', events.slice(0, 50));
    await log.append(newStream(), 'no_stream', events.slice(50));
    const ids: string[] = [];
    while (ids.length < 95) {
      const batch = (await batches.next()).value as LogBatch;
      expect(batch.events.length).toBeLessThanOrEqual(10);
      expect(batch.caughtUp).toBe(ids.length + batch.events.length === 95);
      ids.push(...idsOf(batch.events));
    }
    expect(ids).toEqual(idsOf(events));
    await batches.return?.();
  });

  it('can be left in the middle and taken up again where it was left', async () => {
    const { log, prefix, newStream } = using();
    const after = await log.head();
    const events = newEvents(50);
    await log.append(newStream(), 'no_stream', events);
    const ids: string[] = [];
    for (let from = after ?? ('start' as const); ids.length < 50;) {
      const options = { from, filter: { streamPrefix: prefix }, batchSize: 8 };
      const { last } = await batchesUntil(log, options, () => true);
      ids.push(...idsOf(last.events));
      from = last.position!;
    }
    expect(ids).toEqual(idsOf(events));
  });

  it('tells many subscribers at once, each by its own filter', async () => {
    const { log, prefix, newStream } = using();
    const reading = Array.from({ length: 60 }, (_, n) => {
      const filter = { types: [`Type${n % 3}`], streamPrefix: prefix };
      return batchesUntil(log, { from: 'now', filter }, (_, all) => all.length >= 20);
    });
    const events = Array.from({ length: 60 }, (_, n) => newEvent(`Type${n % 3}`));
    for (const event of events) await log.append(newStream(), 'no_stream', [event]);
    for (const [n, { events: seen }] of (await Promise.all(reading)).entries()) {
      expect(idsOf(seen)).toEqual(idsOf(events.filter(({ type }) => type === `Type${n % 3}`)));
    }
  });

  it('ends a waiting reader without an error when it is returned or aborted', async () => {
    const { log } = using();
    const abort = new AbortController();
    for (const end of ['return', 'abort']) {
      const { signal } = abort;
      const batches = log.subscribe({ from: 'now', signal })[Symbol.asyncIterator]();
      await batches.next();
      const waiting = batches.next();
      // After a whole round trip to the log the reader has long been waiting.
      await log.health();
      if (end === 'abort') abort.abort();
      else await batches.return?.();
      expect(await waiting).toEqual({ done: true, value: undefined });
      expect(await batches.next()).toEqual({ done: true, value: undefined });
    }
    const aborted = log.subscribe({ from: 'start', signal: abort.signal });
    expect(await aborted[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
  });
}

async function writeSlowly(log: EventLog, stream: string, count: number): Promise<void> {
  for (let n = -1; n < count - 1; n += 1) {
    await log.append(stream, n < 0 ? 'no_stream' : BigInt(n), [newEvent()]);
  }
}
