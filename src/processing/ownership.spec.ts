import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryProcessorStorage, MemoryProcessorStore } from '../event-store/memory/index.js';
import { quickOwnership } from './handlers/handler-run.fixture.js';
import { OWNER_LEASE, type Ownership } from './ownership.js';
import { until } from '../../test/until.js';

const HOUR_MS = 3_600_000;

let kept: MemoryProcessorStorage;
let stores: MemoryProcessorStore[];
let owners: Ownership[];

beforeEach(() => {
  kept = new MemoryProcessorStorage();
  stores = [];
  owners = [];
});
afterEach(() => Promise.all(owners.map((owner) => owner.stop())));

/** Another process; `owners` and `stores` know it by its number. */
function owner(): Ownership {
  const store = new MemoryProcessorStore(kept);
  const made = quickOwnership(store);
  stores.push(store);
  owners.push(made);
  made.start();
  return made;
}
/** Counts how often a store is asked for the lease from here on: five times a second, as time passes. */
function asked(store: MemoryProcessorStore): () => number {
  let times = 0;
  const acquire = store.acquireLease.bind(store);
  store.acquireLease = (...args) => {
    times += 1;
    return acquire(...args);
  };
  return () => times;
}
/** So often it is renewed while a lease that nobody renews would be long over. */
const MANY = 12;
const never = new AbortController().signal;
const holders = () => owners.filter(({ current }) => current !== undefined).length;

describe('the owner of sagas, timers and publishers', () => {
  it('is one of many that want to be', async () => {
    for (let n = 0; n < 5; n += 1) owner();
    await until(() => holders() === 1);
    const times = asked(stores[0]!);
    await until(() => {
      expect(holders()).toBe(1);
      return times() >= MANY;
    });
  });

  it('stays the same for much longer than a lease lasts, in one term', async () => {
    const first = owner();
    const term = await first.whenOwner(never);
    owner();
    const times = asked(stores[0]!);
    await until(() => times() >= MANY);
    expect(first.current).toBe(term);
    expect(term?.signal.aborted).toBe(false);
  });

  it('is the next one at once when the first gives back its lease', async () => {
    const first = owner();
    const term = await first.whenOwner(never);
    const second = owner();
    const since = performance.now();
    const next = second.whenOwner(never);
    await first.stop();
    expect(term?.signal.aborted).toBe(true);
    expect(first.current).toBeUndefined();
    expect((await next)?.epoch).toBe(2);
    expect(performance.now() - since).toBeLessThan(800);
  });

  it('is the next one after the time of the lease when the first is gone', async () => {
    const first = owner();
    const term = await first.whenOwner(never);
    const second = owner();
    await stores[0]!.close();
    // Never both: the first one's time is over before the second one's begins.
    let both = 0;
    await until(() => {
      if (holders() > 1) both += 1;
      return second.current !== undefined;
    });
    expect(both).toBe(0);
    expect(term?.signal.aborted).toBe(true);
    expect(second.current?.epoch).toBe(2);
  });

  it('loses its term by itself while the store gives no answer, and gets another one then', async () => {
    const first = owner();
    const term = await first.whenOwner(never);
    const store = stores[0]!;
    const acquire = store.acquireLease.bind(store);
    const hanging: (() => void)[] = [];
    store.acquireLease = () =>
      new Promise((_, reject) => hanging.push(() => reject(new Error('too late'))));
    const since = performance.now();
    await new Promise<void>((resolve) =>
      term?.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    expect(performance.now() - since).toBeLessThan(1_700);
    expect(first.current).toBeUndefined();
    // It does not wait for ever for one answer.
    await until(() => hanging.length >= 2);
    store.acquireLease = acquire;
    expect(await first.whenOwner(never)).not.toBe(term);
    for (const fail of hanging) fail();
  });

  it('does not believe an answer that came when its time was over', async () => {
    const first = owner();
    await first.whenOwner(never);
    await first.stop();
    const late = owner();
    const store = stores[1]!;
    const acquire = store.acquireLease.bind(store);
    let first_ = true;
    store.acquireLease = async (...args) => {
      const lease = await acquire(...args);
      if (first_) {
        // The event loop stood still for longer than the lease lasts.
        const stands = performance.now() + 1_300;
        while (performance.now() < stands);
        first_ = false;
      }
      return lease;
    };
    await until(() => !first_);
    expect(late.current).toBeUndefined();
    await until(() => late.current !== undefined);
  });

  it('takes the lease of one that died while its clock was an hour ahead', async () => {
    const store = new MemoryProcessorStore(kept);
    await store.acquireLease(OWNER_LEASE, 'dead', 1_600, Date.now() + HOUR_MS);
    const next = owner();
    await until(() => next.current !== undefined);
    // From here on it is as long as any.
    await until(() => kept.leases.get(OWNER_LEASE)!.expiresAt < Date.now() + HOUR_MS / 2);
  });

  it('takes none from one that lives, whatever its clock says', async () => {
    const ahead = quickOwnership(new MemoryProcessorStore(kept), {
      now: () => Date.now() + HOUR_MS,
    });
    owners.push(ahead);
    ahead.start();
    const term = await ahead.whenOwner(never);
    const other = owner();
    let looks = 0;
    const store = stores.at(-1)!;
    const read = store.readLease.bind(store);
    store.readLease = (processor) => {
      looks += 1;
      return read(processor);
    };
    // Looked at for longer than a lease lasts that nobody renews.
    await until(() => looks > MANY);
    expect(other.current).toBeUndefined();
    expect(ahead.current).toBe(term);
  });

  it('tells nobody of a term who does not want it any more', async () => {
    owner();
    await until(() => holders() === 1);
    const second = owner();
    const leaving = new AbortController();
    const waits = second.whenOwner(leaving.signal);
    leaving.abort();
    expect(await waits).toBeUndefined();
    expect(await second.whenOwner(leaving.signal)).toBeUndefined();
  });

  it('stops in time while the store gives no answer', async () => {
    const first = owner();
    await first.whenOwner(never);
    let hangs = false;
    stores[0]!.acquireLease = () => {
      hangs = true;
      return new Promise(() => undefined);
    };
    stores[0]!.releaseLease = () => new Promise(() => undefined);
    await until(() => hangs);
    const since = performance.now();
    await first.stop();
    expect(performance.now() - since).toBeLessThan(1_500);
  });

  it('asks for no lease before it is started, nor after it was stopped', async () => {
    const store = new MemoryProcessorStore(kept);
    const times = asked(store);
    const made = quickOwnership(store);
    await made.stop();
    made.start();
    // Who is started asks at once.
    expect(times()).toBe(0);
    expect(kept.leases.get(OWNER_LEASE)).toBeUndefined();
    expect(made.current).toBeUndefined();
  });
});
