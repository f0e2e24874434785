import { expect, it } from '@jest/globals';
import { RevisionConflict } from '../../src/event-store/index.js';
import {
  idsOf,
  newEvent,
  newEvents,
  useEventLog,
  type MakeEventLogHarness,
} from './event-log-harness.js';

export function appendingCases(make: MakeEventLogHarness): void {
  const using = useEventLog(make);

  it('appends one event and answers its revision and position', async () => {
    const { log, newStream } = using();
    const [stream, event] = [newStream(), newEvent()];
    const result = await log.append(stream, 'no_stream', [event]);
    expect(result).toEqual({ revision: 0n, position: expect.any(String), repeated: false });
    expect(result.position.startsWith(`${log.logId}:`)).toBe(true);
    expect(await log.readStream(stream)).toEqual([
      { ...event, stream, revision: 0n, position: result.position },
    ]);
  });

  it('appends many events at once, in their order and without gaps in the revisions', async () => {
    const { log, newStream } = using();
    const [stream, events] = [newStream(), newEvents(5)];
    const result = await log.append(stream, 'no_stream', events);
    const stored = await log.readStream(stream);
    expect(idsOf(stored)).toEqual(idsOf(events));
    expect(stored.map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n, 4n]);
    expect(result.revision).toBe(4n);
    expect(result.position).toBe(stored[4]!.position);
    const { positions } = result;
    if (positions) expect(positions).toEqual(stored.map(({ position }) => position));
  });

  it.each([['no_stream'], ['any']] as const)(
    'starts a stream when %s is expected',
    async (expected) => {
      const { log, newStream } = using();
      expect((await log.append(newStream(), expected, [newEvent()])).revision).toBe(0n);
    },
  );

  it.each([['stream_exists'], ['any'], [1n]] as const)(
    'goes on with a stream when %s is expected and true',
    async (expected) => {
      const { log, newStream } = using();
      const stream = newStream();
      await log.append(stream, 'no_stream', newEvents(2));
      expect((await log.append(stream, expected, [newEvent()])).revision).toBe(2n);
    },
  );

  it.each([['no_stream'], [0n], [2n], [9n]] as const)(
    'refuses other events when %s is expected of a stream at revision 1, and leaves nothing behind',
    async (expected) => {
      const { log, newStream } = using();
      const [stream, first] = [newStream(), newEvents(2)];
      await log.append(stream, 'no_stream', first);
      const attempt = log.append(stream, expected, newEvents(2));
      await expect(attempt).rejects.toMatchObject({
        code: 'REVISION_CONFLICT',
        stream,
        expected,
        actual: 1n,
      });
      await expect(attempt).rejects.toBeInstanceOf(RevisionConflict);
      expect(idsOf(await log.readStream(stream))).toEqual(idsOf(first));
    },
  );

  it.each([['stream_exists'], [0n]] as const)(
    'refuses %s of an unknown stream',
    async (expected) => {
      const { log, newStream } = using();
      const stream = newStream();
      await expect(log.append(stream, expected, [newEvent()])).rejects.toMatchObject({
        code: 'REVISION_CONFLICT',
        actual: undefined,
      });
      expect(await log.readStream(stream)).toEqual([]);
    },
  );

  it('lets exactly one of many concurrent appends at the same revision win', async () => {
    const { log, harness, newStream } = using();
    const other = await harness.open();
    const stream = newStream();
    await log.append(stream, 'no_stream', [newEvent()]);
    const attempts = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? log : other).append(stream, 0n, [newEvent()])),
    );
    const lost = attempts.filter((attempt) => attempt.status === 'rejected');
    expect(lost).toHaveLength(19);
    for (const { reason } of lost) expect(reason).toBeInstanceOf(RevisionConflict);
    expect(await log.readStream(stream)).toHaveLength(2);
    await other.close();
  });

  it('keeps a conflict to itself: appends to other streams in flight with it succeed', async () => {
    const { log, newStream } = using();
    const taken = newStream();
    await log.append(taken, 'no_stream', [newEvent()]);
    const streams = Array.from({ length: 10 }, newStream);
    const results = await Promise.allSettled([
      ...streams.slice(0, 5).map((stream) => log.append(stream, 'no_stream', [newEvent()])),
      log.append(taken, 'no_stream', [newEvent()]),
      ...streams.slice(5).map((stream) => log.append(stream, 'no_stream', [newEvent()])),
    ]);
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    for (const stream of streams) expect(await log.readStream(stream)).toHaveLength(1);
  });

  it.each([
    ['no_stream', 0],
    [1n, 2],
  ] as const)(
    'answers a re-append at %s as the first time, even when the stream has gone on',
    async (expected, before) => {
      const { log, newStream } = using();
      const [stream, events] = [newStream(), newEvents(3)];
      if (before > 0) await log.append(stream, 'no_stream', newEvents(before));
      const { revision, position } = await log.append(stream, expected, events);
      const again = { revision, position, repeated: true };
      expect(await log.append(stream, expected, events)).toEqual(again);
      await log.append(stream, revision, [newEvent()]);
      expect(await log.append(stream, expected, events)).toEqual(again);
      expect(await log.readStream(stream)).toHaveLength(before + 4);
    },
  );

  it('answers a beginning of what was appended as repeated, for it stands there whole', async () => {
    const { log, newStream } = using();
    const [stream, events] = [newStream(), newEvents(3)];
    await log.append(stream, 'no_stream', events);
    const again = await log.append(stream, 'no_stream', events.slice(0, 2));
    expect(again).toMatchObject({ revision: 1n, repeated: true });
  });

  it('refuses a re-append that is only partly the same', async () => {
    const { log, newStream } = using();
    const [stream, events] = [newStream(), newEvents(2)];
    await log.append(stream, 'no_stream', events);
    const longer = log.append(stream, 'no_stream', [...events, newEvent()]);
    await expect(longer).rejects.toBeInstanceOf(RevisionConflict);
    const changed = log.append(stream, 'no_stream', [events[0]!, newEvent()]);
    await expect(changed).rejects.toBeInstanceOf(RevisionConflict);
    const swapped = log.append(stream, 'no_stream', [...events].reverse());
    await expect(swapped).rejects.toBeInstanceOf(RevisionConflict);
    expect(idsOf(await log.readStream(stream))).toEqual(idsOf(events));
  });

  it('answers the same append sent twice at the same time once as new and once as repeated', async () => {
    const { log, newStream } = using();
    const [stream, events] = [newStream(), newEvents(2)];
    const both = [1, 2].map(() => log.append(stream, 'no_stream', events));
    const repeated = (await Promise.all(both)).map((result) => result.repeated);
    expect(repeated.sort()).toEqual([false, true]);
    expect(await log.readStream(stream)).toHaveLength(2);
  });

  it('refuses an empty append and a negative revision', async () => {
    const { log, newStream } = using();
    await expect(log.append(newStream(), 'any', [])).rejects.toBeInstanceOf(RangeError);
    await expect(log.append(newStream(), -1n, [newEvent()])).rejects.toBeInstanceOf(RangeError);
  });

  it('stores text as it was given: spaces, order of keys, unicode, the longest', async () => {
    const { log, harness, newStream } = using();
    const stream = newStream();
    const texts = [
      '{ "b": 1,  "a": 1.0 }',
      JSON.stringify('grüße 任务 🚀 \u2028 \u0000 \\ " é e\u0301'),
      JSON.stringify('ä'.repeat((harness.textBytes ?? 1024 * 1024) / 2)),
    ];
    const events = texts.map((data) => ({ ...newEvent(), data, metadata: data }));
    await log.append(stream, 'no_stream', events);
    const stored = await log.readStream(stream);
    expect(stored).toHaveLength(texts.length);
    for (const [n, { data, metadata }] of stored.entries()) {
      expect(data === texts[n] && metadata === texts[n]).toBe(true);
    }
  });
}
