import { afterEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Position } from '@taskmanager/protocol';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type EventLog,
  LogUnavailable,
  type ParkedEvent,
  type RecordedEvent,
} from '../src/event-store/index.js';
import { MemoryEventLog } from '../src/event-store/memory/index.js';
import { SqliteEventLog } from '../src/event-store/sqlite/index.js';
import { taskStream } from '../src/events/index.js';
import { appendsOf } from '../src/log-copy/appends.js';
import {
  OrderBroken,
  TargetChanged,
  TargetHoldsOtherEvents,
} from '../src/log-copy/log-copy.errors.js';
import {
  chainedEvents,
  eventsOf,
  expectedAfter,
  fill,
  memorySide,
  runCopy,
  type Side,
  withAppend,
  withoutPositions,
} from './log-copy-fixture.js';
import { verifyChain } from './model/task-fold.js';

const folders: string[] = [];
const opened: EventLog[] = [];

const KINDS: Readonly<Record<string, () => EventLog>> = {
  memory: () => new MemoryEventLog(),
  SQLite: () => {
    const folder = mkdtempSync(join(tmpdir(), 'taskmanager-log-copy-'));
    folders.push(folder);
    const log = SqliteEventLog.open({ file: join(folder, 'log.db') });
    opened.push(log);
    return log;
  },
};

afterEach(async () => {
  for (const log of opened.splice(0)) await log.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const newLog = (kind: string): EventLog => KINDS[kind]!();

async function filled(tasks = 8, eventsEach = 6): Promise<Side> {
  const side = memorySide();
  await fill(side.log, tasks, eventsEach);
  return side;
}

async function expectEqual(source: EventLog, target: EventLog): Promise<void> {
  const copied = await eventsOf(target);
  expect(withoutPositions(copied)).toEqual(withoutPositions(await eventsOf(source)));
  const streams = new Map<string, RecordedEvent[]>();
  for (const event of copied)
    streams.set(event.stream, [...(streams.get(event.stream) ?? []), event]);
  expect([...streams.values()].flatMap((events) => verifyChain(events))).toEqual([]);
}

describe('Copying a log', () => {
  it.each([
    ['memory', 'SQLite', 1],
    ['memory', 'SQLite', 256],
    ['SQLite', 'memory', 16],
    ['SQLite', 'SQLite', 64],
  ])('from %s to %s and back, %d at once, keeps all but positions', async (from, to, at) => {
    const [source, target, back] = [newLog(from), newLog(to), newLog(from)];
    await fill(source, 40, 30);
    const there = { source: memorySide(source), target: memorySide(target), appendsAtOnce: at };
    expect((await runCopy(there)).outcome).toBe('equal');
    await expectEqual(source, target);

    const andBack = { source: memorySide(target), target: memorySide(back), appendsAtOnce: at };
    const { outcome, lines } = await runCopy(andBack);
    expect(outcome).toBe('equal');
    await expectEqual(source, back);
    expect(lines).toContain('Both logs are equal but for positions.');
    const digests = lines.filter((line) => line.includes('sha256'));
    expect(digests).toHaveLength(2);
    expect(digests[0]).toBe(digests[1]);
  });

  it('of an empty log is an empty log', async () => {
    expect((await runCopy({ source: memorySide(), target: memorySide() })).outcome).toBe('equal');
  });

  it('puts neighbours of one stream into one append, and keeps the order of all', async () => {
    const source = await filled(5, 9);
    const appends: string[] = [];
    const target = memorySide(
      withAppend(new MemoryEventLog(), (append) => (stream, expected, events) => {
        appends.push(stream);
        return append(stream, expected, events);
      }),
    );
    await runCopy({ source, target });
    await expectEqual(source.log, target.log);
    const order = (await eventsOf(source.log)).map(({ stream }) => stream);
    expect(appends).toEqual(order.filter((stream, n) => stream !== order[n - 1]));
  });

  it('cuts long runs, so that no append is too large for a server', async () => {
    const stream = taskStream(randomUUID());
    const log = new MemoryEventLog();
    const big = chainedEvents(stream, 8).map((event) => ({
      ...event,
      data: JSON.stringify('x'.repeat(110_000)),
    }));
    await log.append(stream, 'no_stream', [...big, ...chainedEvents(stream, 1_200)]);
    const appends = appendsOf(await eventsOf(log));
    const sizes = appends.map(({ events }) => events.length);
    expect(sizes.slice(0, 3)).toEqual([2, 2, 2]);
    expect(sizes.slice(4, -1)).toEqual([500, 500]);
    expect(Math.max(...appends.map(({ chars }) => chars))).toBeLessThanOrEqual(256 * 1024);
    let before = 0;
    for (const [n, size] of sizes.entries()) {
      expect(appends[n]!.expected).toBe(expectedAfter(before));
      before += size;
    }
    expect(appends.flatMap(({ events }) => events).map(({ id }) => id)).toEqual(
      (await eventsOf(log)).map(({ id }) => id),
    );
  });
});

describe('A copy that was interrupted', () => {
  it.each([1, 5])('goes on after any append, %d at once', async (appendsAtOnce) => {
    const source = await filled(6, 5);
    const whole = appendsOf(await eventsOf(source.log)).length;
    for (let stopAt = 0; stopAt < whole; stopAt++) {
      const log = new MemoryEventLog();
      let calls = 0;
      const dying = withAppend(log, (append) => async (...args) => {
        if (calls++ >= stopAt) throw new Error('killed');
        return append(...args);
      });
      const setup = { source, appendsAtOnce };
      await expect(runCopy({ ...setup, target: memorySide(dying) })).rejects.toThrow('killed');
      const before = (await eventsOf(log)).length;
      const { outcome, lines } = await runCopy({ ...setup, target: memorySide(log) });
      expect(outcome).toBe('equal');
      if (before > 0)
        expect(lines).toContain(`The target holds the first ${before} events already.`);
      await expectEqual(source.log, log);
    }
  });

  it('goes on after a signal', async () => {
    const source = await filled();
    const log = new MemoryEventLog();
    const stopping = new AbortController();
    let calls = 0;
    const target = withAppend(log, (append) => (...args) => {
      if (++calls === 7) stopping.abort('SIGINT');
      return append(...args);
    });
    const { signal } = stopping;
    await expect(runCopy({ source, target: memorySide(target), signal })).rejects.toBe('SIGINT');
    expect(calls).toBe(7);
    expect((await runCopy({ source, target: memorySide(log) })).outcome).toBe('equal');
    await expectEqual(source.log, log);
  });

  it('has nothing left to do once it is whole', async () => {
    const source = await filled();
    const target = memorySide();
    await runCopy({ source, target });
    const { outcome, lines } = await runCopy({ source, target });
    expect(outcome).toBe('equal');
    expect(lines).toContainEqual(expect.stringMatching(/^Copied 0 events/));
  });
});

describe('A log that is away for a moment', () => {
  /** Every third append fails once: before it is written, or after. */
  const flaky = (log: EventLog, written: boolean): EventLog => {
    let calls = 0;
    return withAppend(log, (append) => async (...args) => {
      if (calls++ % 3 !== 1) return append(...args);
      if (written) await append(...args);
      throw new LogUnavailable('a cable', written);
    });
  };

  it.each([
    ['was not written', 1, false],
    ['was written and not acknowledged', 1, true],
    ['was written and not acknowledged', 4, true],
  ])('is asked again; an append that %s, %d at once, is there once', async (_, at, written) => {
    const source = await filled(3, 3);
    const log = new MemoryEventLog();
    const target = memorySide(flaky(log, written));
    expect((await runCopy({ source, target, appendsAtOnce: at })).outcome).toBe('equal');
    await expectEqual(source.log, log);
  });

  it('breaks the order when later appends are written first, and that is told at once', async () => {
    const source = await filled(6, 3);
    const target = memorySide(flaky(new MemoryEventLog(), false));
    const copy = runCopy({ source, target, appendsAtOnce: 6 });
    await expect(copy).rejects.toBeInstanceOf(OrderBroken);
    await expect(copy).rejects.toThrow('another stream prefix');
    // And by the next copy too, which finds the events out of place.
    await expect(runCopy({ source, target })).rejects.toBeInstanceOf(TargetHoldsOtherEvents);
  });

  it('does not make a conflict of what follows in the same stream', async () => {
    const stream = taskStream(randomUUID());
    const other = taskStream(randomUUID());
    const [events, others] = [chainedEvents(stream, 2), chainedEvents(other, 1)];
    const source = memorySide();
    await source.log.append(stream, 'no_stream', events.slice(0, 1));
    await source.log.append(other, 'no_stream', others);
    await source.log.append(stream, 0n, events.slice(1));
    const log = new MemoryEventLog();
    let calls = 0;
    const target = withAppend(log, (append) => async (...args) => {
      if (calls++ < 2) throw new LogUnavailable('a cable', false);
      return append(...args);
    });
    const copy = await runCopy({ source, target: memorySide(target), appendsAtOnce: 3 });
    expect(copy.outcome).toBe('equal');
    await expectEqual(source.log, log);
  });
});

describe('A target', () => {
  it('that holds another event is refused, and nothing is written', async () => {
    const source = await filled();
    const target = memorySide();
    const stream = taskStream(randomUUID());
    await target.log.append(stream, 'no_stream', chainedEvents(stream, 1));
    const copy = runCopy({ source, target });
    await expect(copy).rejects.toBeInstanceOf(TargetHoldsOtherEvents);
    await expect(copy).rejects.toThrow(`after 0 equal ones the source has`);
    expect(await eventsOf(target.log)).toHaveLength(1);
  });

  it('that has gone on by itself is refused', async () => {
    const source = await filled(4, 4);
    const target = memorySide();
    await runCopy({ source, target });
    const stream = taskStream(randomUUID());
    await target.log.append(stream, 'no_stream', chainedEvents(stream, 1));
    await expect(runCopy({ source, target })).rejects.toThrow(
      `after 16 equal ones the source ends, and ProgressUpdated`,
    );
  });

  it('that somebody else writes to meanwhile ends the copy', async () => {
    const source = await filled(4, 4);
    const last = (await eventsOf(source.log)).at(-1)!;
    const log = new MemoryEventLog();
    let calls = 0;
    const target = withAppend(log, (append) => async (...args) => {
      if (++calls === 4) await log.append(last.stream, 'any', chainedEvents(last.stream, 1));
      return append(...args);
    });
    const copy = runCopy({ source, target: memorySide(target) });
    await expect(copy).rejects.toBeInstanceOf(TargetChanged);
  });
});

describe('A stream of the target whose revisions do not begin at 0', () => {
  it('ends the copy', async () => {
    const source = await filled(2, 2);
    const target = withAppend(new MemoryEventLog(), (append) => async (...args) => {
      const answer = await append(...args);
      return { ...answer, revision: answer.revision + 7n };
    });
    const copy = runCopy({ source, target: memorySide(target) });
    await expect(copy).rejects.toThrow(/cannot be copied: it was written at revision/);
  });
});

describe('Verifying', () => {
  const tampered = async (change: (text: string) => string, field: 'data' | 'metadata') => {
    const source = await filled(4, 4);
    const target = memorySide();
    const events = await eventsOf(source.log);
    for (const [n, event] of events.entries()) {
      const changed = n === 9 ? { ...event, [field]: change(event[field]) } : event;
      await target.log.append(event.stream, expectedAfter(Number(event.revision)), [changed]);
    }
    return { source, target, verifyOnly: true, ninth: events[9]! };
  };

  it.each(['data', 'metadata'] as const)(
    'names the first event whose %s is not the same, and its broken chain',
    async (field) => {
      const change = (text: string) => text.replace(/tester|chunk|not yours/, 'changed');
      const { ninth, ...setup } = await tampered(change, field);
      const { outcome, lines } = await runCopy(setup);
      expect(outcome).toBe('different');
      expect(lines.at(-1)).toContain(
        `after 9 equal events the source has ${ninth.type} ${ninth.id}`,
      );
      expect(lines.at(-1)).toContain(`: ${field} is not the same`);
      expect(lines).toContainEqual(expect.stringMatching(/^Source: 16 .* every hash chain holds/));
      expect(lines).toContainEqual(expect.stringContaining('1 events do not hold'));
    },
  );

  it('finds that an event is missing at the end', async () => {
    const source = await filled(4, 4);
    const target = memorySide();
    await runCopy({ source, target });
    const stream = taskStream(randomUUID());
    await source.log.append(stream, 'no_stream', chainedEvents(stream, 1));
    const { outcome, lines } = await runCopy({ source, target, verifyOnly: true });
    expect(outcome).toBe('different');
    expect(lines.at(-1)).toContain('after 16 equal events the target ends');
    expect(await eventsOf(target.log)).toHaveLength(16);
  });

  it.each([
    ['has no hash', (text: string) => text.replace(/,"hash":.*/, '}')],
    [
      'does not continue the hash chain of its stream',
      (text: string) => text.replace('"attempt":1', '"attempt":2'),
    ],
  ])('finds an event that %s, though the logs are equal', async (problem, change) => {
    const source = memorySide();
    const stream = taskStream(randomUUID());
    const events = chainedEvents(stream, 3);
    events[1] = { ...events[1]!, metadata: change(events[1]!.metadata) };
    await source.log.append(stream, 'no_stream', events);
    const { outcome, lines } = await runCopy({ source, target: memorySide() });
    expect(outcome).toBe('different');
    expect(lines).toContain('Both logs are equal but for positions.');
    const found = lines.filter((line) => line.includes(`${events[1]!.id} (${stream}, revision 1)`));
    expect(found).toHaveLength(2);
    for (const line of found) expect(line).toContain(` ${problem}.`);
  });
});

describe('A source that is written to meanwhile', () => {
  it('is copied as far as it went, says so, and is whole after the next time', async () => {
    const source = await filled(4, 4);
    const log = new MemoryEventLog();
    const stream = taskStream(randomUUID());
    let calls = 0;
    const target = withAppend(log, (append) => async (...args) => {
      if (++calls === 3) await source.log.append(stream, 'no_stream', chainedEvents(stream, 2));
      return append(...args);
    });
    await source.processors.moveCheckpoint('saga', undefined, (await source.log.head())!);
    const first = { source, target: memorySide(target) };
    const { outcome, lines } = await runCopy(first);
    expect(outcome).toBe('grown');
    expect(lines.at(-1)).toContain('run this once more');
    expect(await eventsOf(log)).toHaveLength(16);
    expect(await first.target.processors.readCheckpoint('saga')).toBeUndefined();

    expect((await runCopy(first)).outcome).toBe('equal');
    await expectEqual(source.log, log);
    expect(await first.target.processors.readCheckpoint('saga')).toBe(
      (await eventsOf(log))[15]!.position,
    );
  });
});

describe('Processors', () => {
  /** A position behind this one, at which there is no event. */
  const between = (position: Position) =>
    position.replace(/.$/, (digit) => String(digit === '9' ? 9 : Number(digit) + 1)) as Position;
  const parkedAt = (
    processor: string,
    { stream, position, id, revision, type }: RecordedEvent,
  ): ParkedEvent => ({
    processor,
    stream,
    position,
    eventId: id,
    revision: Number(revision),
    type,
    error: 'no',
    attempts: 3,
    parkedAt: 17,
  });

  it('stand at the same event in the target, with what they have parked, and paused', async () => {
    const source = await filled(6, 6);
    const events = await eventsOf(source.log);
    const { processors } = source;
    await processors.moveCheckpoint('retry', undefined, events[20]!.position);
    await processors.park(parkedAt('retry', events[7]!));
    await processors.park(parkedAt('retry', events[3]!));
    await processors.setPaused('nats', true);
    await processors.moveCheckpoint('nats', undefined, events.at(-1)!.position);
    await processors.acquireLease('retry', 'somebody', 60_000, 1);

    const target = memorySide();
    const setup = { source, target };
    for (let time = 1; time <= 2; time++) {
      // The second time changes nothing.
      const { outcome, lines } = await runCopy(setup);
      expect(outcome).toBe('equal');
      const copied = await eventsOf(target.log);
      expect(await target.processors.readCheckpoint('retry')).toBe(copied[20]!.position);
      expect(await target.processors.readCheckpoint('nats')).toBe(copied.at(-1)!.position);
      expect(await target.processors.isPaused('nats')).toBe(true);
      expect(await target.processors.isPaused('retry')).toBe(false);
      expect(await target.processors.listParked('retry')).toEqual([
        parkedAt('retry', copied[3]!),
        parkedAt('retry', copied[7]!),
      ]);
      expect(lines.filter((line) => line.startsWith('Processor '))).toEqual([
        expect.stringContaining('nats: '),
        expect.stringContaining('retry: '),
      ]);
    }
    expect(await target.processors.acquireLease('retry', 'another', 60_000, 1)).toBeDefined();
  });

  it('stand after the last event before a checkpoint between two', async () => {
    const source = await filled(4, 4);
    const events = await eventsOf(source.log);
    await source.processors.moveCheckpoint('saga', undefined, between(events[5]!.position));
    const target = memorySide();
    await runCopy({ source, target });
    const copied = await eventsOf(target.log);
    expect(await target.processors.readCheckpoint('saga')).toBe(copied[5]!.position);
  });

  it('forget in the target what was parked at the copy before and done since', async () => {
    const source = await filled(4, 4);
    const events = await eventsOf(source.log);
    await source.processors.moveCheckpoint('saga', undefined, events[9]!.position);
    await source.processors.park(parkedAt('saga', events[2]!));
    const target = memorySide();
    const setup = { source, target };
    await runCopy(setup);
    expect(await target.processors.listParked('saga')).toHaveLength(1);
    await source.processors.unpark('saga', events[2]!.position);
    await source.processors.moveCheckpoint('saga', events[9]!.position, events[10]!.position);
    await runCopy(setup);
    expect(await target.processors.listParked('saga')).toEqual([]);
    expect(await target.processors.readCheckpoint('saga')).toBe(
      (await eventsOf(target.log))[10]!.position,
    );
  });

  it('are resumed in the target when the source forgot them since', async () => {
    const source = await filled(4, 4);
    const event = (await eventsOf(source.log))[2]!;
    await source.processors.setPaused('saga', true);
    await source.processors.park(parkedAt('saga', event));
    const target = memorySide();
    await runCopy({ source, target });
    expect(await target.processors.listProcessors()).toEqual(['saga']);
    await source.processors.setPaused('saga', false);
    await source.processors.unpark('saga', event.position);
    await runCopy({ source, target });
    expect(await target.processors.listProcessors()).toEqual([]);
  });

  it('that have run on the target are left alone', async () => {
    const source = await filled(4, 4);
    const events = await eventsOf(source.log);
    await source.processors.moveCheckpoint('saga', undefined, events[9]!.position);
    const target = memorySide();
    const setup = { source, target };
    await runCopy(setup);
    const [tenth, last] = [10, 15].map((n) =>
      eventsOf(target.log).then((all) => all[n - 1]!.position),
    );
    await target.processors.moveCheckpoint('saga', await tenth, await last!);
    const { lines } = await runCopy(setup);
    expect(await target.processors.readCheckpoint('saga')).toBe(await last);
    expect(lines.at(-1)).toContain('further than in the source: left alone');
  });

  it('that have parked what is no event are told', async () => {
    const source = await filled(4, 4);
    const event = (await eventsOf(source.log))[5]!;
    const position = between(event.position);
    await source.processors.park(parkedAt('saga', { ...event, position }));
    const copy = runCopy({ source, target: memorySide() });
    await expect(copy).rejects.toThrow('where the source has none');
  });
});
