import { describe, expect, it } from '@jest/globals';
import { ChainEnds, type ChainedEvent } from './chain-ends.js';
import { CHAIN_START, splitHash } from './hash-chain.js';
import { refusalStream } from './refusal-events.js';
import { type ChainEnd, EMPTY_CHAIN, encodeEvent, taskStream } from './stored-event.js';
import { TaskDataUpdated } from './task-data-updated.event.js';

const actor = { id: 'tester', roles: [], verified: true };

/** A whole chain under this name. */
function chained(stream: string, count: number): ChainedEvent[] {
  let end: ChainEnd = EMPTY_CHAIN;
  return Array.from({ length: count }, (_, n) => {
    const id = `00000000-0000-5000-8000-${String(n).padStart(12, '0')}`;
    const { text, chain } = encodeEvent(end, stream, id, new TaskDataUpdated({ data: n }), {
      timestamp: 1_700_000_000_000 + n,
      actor,
      commandId: id,
      $correlationId: id,
      $causationId: id,
      transport: 'tcp',
      taskType: 'publish',
    });
    end = chain;
    return { ...text, stream, revision: BigInt(n) };
  });
}

const STREAM = taskStream('0190a5a0-0000-7000-8000-000000000001');
const whole = chained(STREAM, 6);

function faultsOf(events: readonly ChainedEvent[]) {
  const ends = new ChainEnds();
  return events.flatMap((event) => {
    const fault = ends.follow(event);
    return fault ? [`${fault.code} ${fault.revision}`] : [];
  });
}

const replaced = (index: number, change: Partial<ChainedEvent>): ChainedEvent[] =>
  whole.map((event, n) => (n === index ? { ...event, ...change } : event));

describe('Following hash chains', () => {
  it('finds nothing in whole ones, and knows where each ends', () => {
    const other = chained(refusalStream('x'), 3);
    const ends = new ChainEnds();
    for (let n = 0; n < 6; n++) {
      expect(ends.follow(whole[n]!)).toBeUndefined();
      if (other[n]) expect(ends.follow(other[n]!)).toBeUndefined();
    }
    const hashOf = ({ metadata }: ChainedEvent) => splitHash(metadata)!.hash;
    expect([...ends]).toEqual([
      { stream: STREAM, revision: 5, hash: hashOf(whole[5]!) },
      { stream: 'refused-x', revision: 2, hash: hashOf(other[2]!) },
    ]);
    expect(ends.hashOf(STREAM)).toBe(hashOf(whole[5]!));
    expect([ends.size, ends.revisionOf('task-no'), ends.hashOf('task-no')]).toEqual([
      2,
      -1,
      CHAIN_START,
    ]);
  });

  it('names the one event that was changed', () => {
    for (const index of [0, 3, 5]) {
      const { data, metadata } = whole[index]!;
      for (const change of [
        { data: data.replace(/\d/, '7') },
        { metadata: metadata.replace('tester', 'nobody') },
        { id: whole[0]!.id.replace('5', '4') },
        { type: 'TaskCreated' },
      ]) {
        expect(faultsOf(replaced(index, change))).toEqual([`hash_mismatch ${index}`]);
      }
    }
  });

  it('tells what is missing, out of order, without a hash or unreadable', () => {
    expect(faultsOf(whole.toSpliced(2, 1))).toEqual(['missing_event 2']);
    expect(faultsOf(whole.toSpliced(0, 3))).toEqual(['missing_event 0']);
    expect(faultsOf(whole.with(2, whole[3]!).with(3, whole[2]!))).toEqual([
      'missing_event 2',
      'out_of_order 2',
    ]);
    expect(faultsOf(whole.toSpliced(3, 0, whole[2]!))).toEqual(['out_of_order 2']);
    expect(faultsOf(replaced(5, { metadata: '{"version":1}' }))).toEqual(['no_hash 5']);
    const hash = `,"hash":"${CHAIN_START}"}`;
    expect(faultsOf(replaced(5, { metadata: `{"version":` + hash }))).toEqual(['unreadable 5']);
    expect(faultsOf(replaced(5, { metadata: `null` + hash }))).toEqual(['unreadable 5']);
    expect(faultsOf(replaced(5, { metadata: `{"a":1` + hash }))).toEqual(['hash_mismatch 5']);
  });

  it('takes imported histories by the names they had', () => {
    const id = 'x';
    for (const [original, stream] of [
      [taskStream(id), `imported-${id}`],
      [refusalStream(id), `imported-refused-${id}`],
    ] as const) {
      const imported = chained(original, 3).map((event) => ({ ...event, stream }));
      expect(faultsOf(imported)).toEqual([]);
    }
    expect(faultsOf(chained('imported-x', 1))).toEqual(['hash_mismatch 0']);
  });

  it('keeps thousands of streams apart', () => {
    const ends = new ChainEnds();
    const many = Array.from({ length: 3_000 }, (_, n) => chained(taskStream(String(n)), 2));
    for (const [first] of many) expect(ends.follow(first!)).toBeUndefined();
    for (const [, second] of many) expect(ends.follow(second!)).toBeUndefined();
    expect([...ends].map(({ revision }) => revision)).toEqual(many.map(() => 1));
  });
});
