import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { formatPosition } from '@taskmanager/protocol';
import type { ParkedEvent, ProcessorStore } from '../../src/event-store/index.js';

/** How the suite gets at the store of one adapter; it may know other processors already. */
export interface ProcessorStoreHarness {
  /** A handle on the one store of this harness; further calls give further handles. */
  readonly open: () => Promise<ProcessorStore>;
  readonly remove: () => Promise<void>;
}

const at = (offset: number) => formatPosition('0a1b2c3d', offset);

/** What every processor store must do; two handles stand for two replicas. */
export function describeProcessorStoreContract(
  name: string,
  make: () => Promise<ProcessorStoreHarness>,
): void {
  describe(`${name} keeps the contract of a processor store`, () => {
    let harness: ProcessorStoreHarness;
    let store: ProcessorStore;
    let other: ProcessorStore;
    const newProcessor = () => `processor-${randomUUID()}`;

    beforeAll(async () => {
      harness = await make();
      store = await harness.open();
      other = await harness.open();
    });
    afterAll(async () => {
      await Promise.all([store.close(), other.close()]);
      await harness.remove();
    });

    it('has no checkpoint before the first, and then the one it was moved to', async () => {
      const processor = newProcessor();
      expect(await store.readCheckpoint(processor)).toBeUndefined();
      expect(await store.moveCheckpoint(processor, undefined, at(5))).toBe(true);
      expect(await store.moveCheckpoint(processor, at(5), at(9))).toBe(true);
      expect(await other.readCheckpoint(processor)).toBe(at(9));
    });

    it('moves no checkpoint that somebody else has moved meanwhile', async () => {
      const processor = newProcessor();
      expect(await store.moveCheckpoint(processor, at(1), at(2))).toBe(false);
      expect(await store.readCheckpoint(processor)).toBeUndefined();
      await other.moveCheckpoint(processor, undefined, at(5));
      expect(await store.moveCheckpoint(processor, undefined, at(7))).toBe(false);
      expect(await store.moveCheckpoint(processor, at(4), at(7))).toBe(false);
      expect(await store.readCheckpoint(processor)).toBe(at(5));
    });

    it('lets one of many concurrent moves from the same checkpoint win', async () => {
      const processor = newProcessor();
      const moves = Array.from({ length: 10 }, (_, n) =>
        (n % 2 ? store : other).moveCheckpoint(processor, undefined, at(n + 1)),
      );
      expect((await Promise.all(moves)).filter(Boolean)).toHaveLength(1);
    });

    it('gives the lease to one owner until it runs out, with a higher epoch for the next', async () => {
      const processor = newProcessor();
      const first = await store.acquireLease(processor, 'a', 1_000, 5_000);
      expect(first).toEqual({ owner: 'a', epoch: 1, expiresAt: 6_000 });
      expect(await other.acquireLease(processor, 'b', 1_000, 5_999)).toBeUndefined();
      const second = await other.acquireLease(processor, 'b', 1_000, 6_000);
      expect(second).toEqual({ owner: 'b', epoch: 2, expiresAt: 7_000 });
      expect(await store.acquireLease(processor, 'a', 1_000, 6_500)).toBeUndefined();
    });

    it('renews the lease of the owner that has it, under the same epoch', async () => {
      const processor = newProcessor();
      await store.acquireLease(processor, 'a', 1_000, 5_000);
      const renewed = await store.acquireLease(processor, 'a', 2_000, 5_500);
      expect(renewed).toEqual({ owner: 'a', epoch: 1, expiresAt: 7_500 });
    });

    it('frees a lease that is given back, and its epoch goes on rising', async () => {
      const processor = newProcessor();
      await store.acquireLease(processor, 'a', 1_000, 5_000);
      await other.releaseLease(processor, 'b');
      expect(await other.acquireLease(processor, 'b', 1_000, 5_100)).toBeUndefined();
      await store.releaseLease(processor, 'a');
      expect(await other.acquireLease(processor, 'b', 1_000, 5_100)).toMatchObject({ epoch: 2 });
      await other.releaseLease(processor, 'b');
      expect(await other.acquireLease(processor, 'b', 1_000, 5_200)).toMatchObject({ epoch: 3 });
    });

    it('tells whose the lease is, until it is given back', async () => {
      const processor = 'saga-read';
      expect(await other.readLease(processor)).toBeUndefined();
      const lease = await store.acquireLease(processor, 'a', 1_000, 5_000);
      expect(await other.readLease(processor)).toEqual(lease);
      await store.releaseLease(processor, 'a');
      expect(await other.readLease(processor)).toBeUndefined();
    });

    it('gives a free lease to exactly one of many that want it at once', async () => {
      const processor = newProcessor();
      const wanting = Array.from({ length: 10 }, (_, n) =>
        (n % 2 ? store : other).acquireLease(processor, `owner-${n}`, 1_000, 5_000),
      );
      expect((await Promise.all(wanting)).filter(Boolean)).toHaveLength(1);
    });

    it('lists parked events in log order, each processor its own', async () => {
      const [one, two] = [newProcessor(), newProcessor()];
      for (const offset of [30, 9, 100]) await store.park(parked(one, offset));
      await store.park(parked(two, 9));
      expect(await other.listParked(one)).toEqual([9, 30, 100].map((n) => parked(one, n)));
    });

    it('replaces error and attempts when the same event is parked again', async () => {
      const processor = newProcessor();
      await store.park(parked(processor, 9));
      await store.park({ ...parked(processor, 9), error: 'worse', attempts: 8, parkedAt: 99 });
      expect(await store.listParked(processor)).toStrictEqual([
        { ...parked(processor, 9), error: 'worse', attempts: 8 },
      ]);
    });

    it('keeps what is wanted of a parked event until it is parked again without it', async () => {
      const processor = newProcessor();
      const event = parked(processor, 9);
      await store.park(event);
      await other.park({ ...event, wanted: 'retry' });
      expect(await store.listParked(processor)).toStrictEqual([{ ...event, wanted: 'retry' }]);
      await store.park({ ...event, wanted: 'discard' });
      expect(await other.listParked(processor)).toStrictEqual([{ ...event, wanted: 'discard' }]);
      await other.park({ ...event, attempts: 6 });
      expect(await store.listParked(processor)).toStrictEqual([{ ...event, attempts: 6 }]);
    });

    it('keeps what is wanted of an event that is parked, of no other, and lists those apart', async () => {
      const processor = newProcessor();
      for (const offset of [30, 9, 100]) await store.park(parked(processor, offset));
      expect(await store.listWanted(processor)).toEqual([]);
      expect(await other.want(processor, at(100), 'retry')).toBe(true);
      expect(await store.want(processor, at(9), 'retry')).toBe(true);
      expect(await store.want(processor, at(9), 'discard')).toBe(true);
      const wanted = [
        { ...parked(processor, 9), wanted: 'discard' },
        { ...parked(processor, 100), wanted: 'retry' },
      ];
      expect(await other.listWanted(processor)).toStrictEqual(wanted);
      expect(await other.listParked(processor)).toHaveLength(3);
      await other.unpark(processor, at(9));
      expect(await store.want(processor, at(9), 'retry')).toBe(false);
      expect(await store.want(newProcessor(), at(9), 'retry')).toBe(false);
      expect(await store.listParked(processor)).toHaveLength(2);
    });

    it('keeps a parked event whose type nobody said', async () => {
      const processor = newProcessor();
      const { type, ...event } = parked(processor, 9);
      expect(type).toBeDefined();
      await store.park(event);
      expect(await other.listParked(processor)).toStrictEqual([event]);
    });

    it('forgets an unparked event, and says whether it was parked', async () => {
      const processor = newProcessor();
      await store.park(parked(processor, 9));
      expect(await other.unpark(processor, at(9))).toBe(true);
      expect(await store.unpark(processor, at(9))).toBe(false);
      expect(await store.listParked(processor)).toEqual([]);
    });

    it('remembers who is paused', async () => {
      const processor = newProcessor();
      expect(await store.isPaused(processor)).toBe(false);
      await store.setPaused(processor, true);
      await store.setPaused(processor, true);
      expect(await other.isPaused(processor)).toBe(true);
      await other.setPaused(processor, false);
      expect(await store.isPaused(processor)).toBe(false);
    });

    it('lists who has a checkpoint, a pause or parked events, and nobody else', async () => {
      const run = randomUUID();
      const names = ['checkpoint', 'parked', 'paused', 'leased', 'resumed', 'unparked', 'asked'];
      const of = (name: string) => `${name}-${run}`;
      const ours = async (from: ProcessorStore) =>
        (await from.listProcessors()).filter((name) => name.endsWith(run));
      expect(await ours(store)).toEqual([]);

      await store.setPaused(of('paused'), true);
      await store.park(parked(of('parked'), 9));
      await store.moveCheckpoint(of('checkpoint'), undefined, at(5));
      await store.acquireLease(of('leased'), 'a', 1_000, 5_000);
      await store.setPaused(of('resumed'), true);
      await other.setPaused(of('resumed'), false);
      await store.park(parked(of('unparked'), 9));
      await other.unpark(of('unparked'), at(9));
      await store.moveCheckpoint(of('asked'), at(1), at(2));
      await store.setPaused(of('asked'), false);
      for (const name of names) await other.readCheckpoint(of(name));

      const due = ['checkpoint', 'parked', 'paused'].map(of);
      expect(await ours(store)).toEqual(due);
      expect(await ours(other)).toEqual(due);
      const all = await store.listProcessors();
      expect(all).toEqual([...all].sort());
    });

    it('lists all of those that appeared at once, each one time', async () => {
      const run = randomUUID();
      const names = Array.from({ length: 10 }, (_, n) => `processor-${n}-${run}`);
      await Promise.all(
        names.flatMap((name) => [
          store.moveCheckpoint(name, undefined, at(1)),
          other.setPaused(name, true),
        ]),
      );
      const listed = (await store.listProcessors()).filter((name) => name.endsWith(run));
      expect(listed).toEqual(names);
    });

    it('can be closed twice, and refuses everything afterwards', async () => {
      const closed = await harness.open();
      await Promise.all([closed.close(), closed.close()]);
      const refused = { code: 'LOG_UNAVAILABLE', outcomeUnknown: false };
      await expect(closed.readCheckpoint('p')).rejects.toMatchObject(refused);
      await expect(closed.setPaused('p', true)).rejects.toMatchObject(refused);
      await expect(closed.listProcessors()).rejects.toMatchObject(refused);
    });
  });
}

function parked(processor: string, offset: number): ParkedEvent {
  return {
    processor,
    stream: 'task-1',
    position: at(offset),
    eventId: '11111111-1111-4111-8111-111111111111',
    revision: 3,
    type: 'TaskFailed',
    error: 'no',
    attempts: 5,
    parkedAt: 1,
  };
}
