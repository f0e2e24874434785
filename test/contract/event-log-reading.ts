import { expect, it } from '@jest/globals';
import type { Position } from '@taskmanager/protocol';
import { ForeignPosition } from '../../src/event-store/index.js';
import {
  idsOf,
  newEvent,
  newEvents,
  readAllPages,
  useEventLog,
  type MakeEventLogHarness,
} from './event-log-harness.js';

const FOREIGN = 'ffffffff:00000000000000000001' as Position;

export function readingCases(make: MakeEventLogHarness): void {
  const using = useEventLog(make);

  it('reads nothing of an unknown stream, in either direction', async () => {
    const { log, newStream } = using();
    expect(await log.readStream(newStream())).toEqual([]);
    expect(await log.readStream(newStream(), { direction: 'backwards' })).toEqual([]);
  });

  it('reads ranges of a stream forwards and backwards', async () => {
    const { log, newStream } = using();
    const stream = newStream();
    await log.append(stream, 'no_stream', newEvents(10));
    const read = async (options: Parameters<typeof log.readStream>[1]) =>
      (await log.readStream(stream, options)).map(({ revision }) => Number(revision));
    expect(await read({ from: 7n })).toEqual([7, 8, 9]);
    expect(await read({ from: 2n, limit: 3 })).toEqual([2, 3, 4]);
    expect(await read({ from: 10n })).toEqual([]);
    expect(await read({ direction: 'backwards', limit: 1 })).toEqual([9]);
    expect(await read({ direction: 'backwards', from: 4n, limit: 3 })).toEqual([4, 3, 2]);
    expect(await read({ direction: 'backwards', from: 99n, limit: 2 })).toEqual([9, 8]);
  });

  it('reads a long stream in pages that miss nothing', async () => {
    const { log, newStream } = using();
    const [stream, events] = [newStream(), newEvents(1_250)];
    await log.append(stream, 'no_stream', events);
    expect(await log.readStream(stream)).toHaveLength(1_000);
    const ids: string[] = [];
    for (let from = 0n; ; from = BigInt(ids.length)) {
      const page = await log.readStream(stream, { from, limit: 100 });
      ids.push(...idsOf(page));
      if (page.length < 100) break;
    }
    expect(ids).toEqual(idsOf(events));
  });

  it('refuses a limit outside of 1 to 10,000', async () => {
    const { log, newStream } = using();
    for (const limit of [0, -1, 10_001, 1.5]) {
      await expect(log.readStream(newStream(), { limit })).rejects.toBeInstanceOf(RangeError);
      await expect(log.readAll({ limit })).rejects.toBeInstanceOf(RangeError);
      expect(() => log.subscribe({ from: 'now', batchSize: limit })).toThrow(RangeError);
    }
  });

  it('reads the whole log in one order that rises strictly and agrees with each stream', async () => {
    const { log, prefix, newStream } = using();
    const after = await log.head();
    const streams = Array.from({ length: 10 }, newStream);
    await Promise.all(
      streams.map(async (stream) => {
        for (let n = -1; n < 4; n += 1) {
          await log.append(stream, n < 0 ? 'no_stream' : BigInt(n), [newEvent()]);
        }
      }),
    );
    const all = await readAllPages(log, { after, filter: { streamPrefix: prefix } });
    const positions = all.map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].sort());
    for (const stream of streams) {
      expect(all.filter((event) => event.stream === stream)).toEqual(await log.readStream(stream));
    }
  });

  it('pages through the log strictly after a position, and says where it ends', async () => {
    const { log, prefix, newStream } = using();
    const after = await log.head();
    const events = newEvents(25);
    const { position } = await log.append(newStream(), 'no_stream', events);
    const filter = { streamPrefix: prefix };
    const paged = await readAllPages(log, { after, filter, limit: 10 });
    expect(idsOf(paged)).toEqual(idsOf(events));
    const rest = await log.readAll({ after: paged[23]!.position, filter });
    expect(idsOf(rest.events)).toEqual([events[24]!.id]);
    expect(rest.position! >= position).toBe(true);
    const past = await log.readAll({ after: rest.position, filter });
    expect(past.events).toEqual([]);
  });

  it('reads what was appended between two pages before it says that the log ends', async () => {
    const { log, prefix, newStream } = using();
    const after = await log.head();
    const [first, second] = [newEvents(5), newEvents(2)];
    await log.append(newStream(), 'no_stream', first);
    const filter = { streamPrefix: prefix };
    const page = await log.readAll({ after, filter, limit: 3 });
    await log.append(newStream(), 'no_stream', second);
    const rest = await log.readAll({ after: page.position, filter });
    expect(idsOf([...page.events, ...rest.events])).toEqual(idsOf([...first, ...second]));
  });

  it('keeps the position where it was asked after when nothing lies behind', async () => {
    const { log, newStream } = using();
    const { position } = await log.append(newStream(), 'no_stream', [newEvent()]);
    const head = (await log.head())!;
    expect(head >= position).toBe(true);
    expect(await log.readAll({ after: head })).toEqual({ events: [], position: head, end: true });
  });

  it('filters by types and by the beginning of the stream, together and alone', async () => {
    const { log, prefix, newStream } = using();
    const after = await log.head();
    const [mine, other] = [newStream(), `x-${newStream()}`];
    const [a, b, c] = [newEvent('A%'), newEvent('B'), newEvent('A%')];
    await log.append(mine, 'no_stream', [a, b]);
    await log.append(other, 'no_stream', [c]);
    const read = async (filter: object) => idsOf(await readAllPages(log, { after, filter }));
    expect(await read({ types: ['A%'], streamPrefix: prefix })).toEqual([a.id]);
    expect(await read({ types: ['A%', 'B'], streamPrefix: mine })).toEqual([a.id, b.id]);
    expect(await read({ types: ['A%'] })).toEqual([a.id, c.id]);
    expect(await read({ types: [] })).toEqual([]);
    expect(await read({ streamPrefix: `x-${prefix}` })).toEqual([c.id]);
  });

  it('counts what a filter leaves out against the limit and moves the position over it', async () => {
    const { log, prefix, newStream } = using();
    const after = await log.head();
    await log.append(newStream(), 'no_stream', newEvents(20, 'Noise'));
    const wanted = newEvent('Wanted');
    await log.append(newStream(), 'no_stream', [wanted]);
    const filter = { types: ['Wanted'], streamPrefix: prefix };
    const first = await log.readAll({ after, filter, limit: 10 });
    expect(first).toMatchObject({ events: [], end: false });
    expect(first.position! > (after ?? '')).toBe(true);
    expect(idsOf(await readAllPages(log, { after: first.position, filter, limit: 10 }))).toEqual([
      wanted.id,
    ]);
  });

  it('refuses a position of another log and text that is no position', async () => {
    const { log } = using();
    for (const after of [FOREIGN, `${log.logId}:1` as Position, '' as Position]) {
      await expect(log.readAll({ after })).rejects.toBeInstanceOf(ForeignPosition);
      expect(() => log.subscribe({ from: after })).toThrow(ForeignPosition);
    }
  });

  it('sees at once what was appended through another handle', async () => {
    const { log, harness, newStream } = using();
    const [other, stream] = [await harness.open(), newStream()];
    expect(other.logId).toBe(log.logId);
    await log.append(stream, 'no_stream', [newEvent()]);
    await other.append(stream, 0n, [newEvent()]);
    const { position } = await log.append(stream, 1n, [newEvent()]);
    expect(await other.readStream(stream)).toEqual(await log.readStream(stream));
    expect((await other.head())! >= position).toBe(true);
    await other.close();
  });
}
