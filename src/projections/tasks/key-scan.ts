import type { Database, Statement } from '../../database/index.js';

/** What a list is sorted by, and the order of creation to tell equals apart. */
export type Key = readonly [value: number | string, seq: number];
export type Order = 'asc' | 'desc';

/** Above every text, as SQLite sorts. */
const AFTER_TEXT = Buffer.from([0xff]);
type Bound = number | string | Buffer;
/** One value for each of the index's first columns. */
type Prefix = readonly (number | string)[];

export interface KeyRange {
  /** Strictly behind this key, in the order of the scan. */
  readonly after?: Key;
  /** Lowest and highest value, inclusive. */
  readonly from?: number;
  readonly to?: number;
}

/** The first keys are fetched a few at a time: most scans are merged with others and soon left. */
const GROWTH = 4;
const LARGEST_FETCH = 2_048;

/**
 * Walks the part of an index where its first columns have given values, in the order of the next one,
 * and of `seq` among equals.
 * Two seeks a fetch, because SQLite uses an index only for the first half of `(value, seq) < (?, ?)`,
 * and a million tasks may have the same priority.
 */
export class KeyScan {
  private readonly equal: Record<Order, Statement<unknown[], Key>>;
  private readonly beyond: Record<Order, Statement<unknown[], Key>>;

  constructor(
    db: Database,
    table: string,
    prefix: readonly string[],
    column: string,
    private readonly kind: 'number' | 'text' = 'number',
  ) {
    const select = `SELECT ${column}, seq FROM ${table} WHERE ${prefix.map((name) => `${name} = ?`).join(' AND ')}`;
    const prepare = (sql: string) => db.prepare<unknown[], Key>(sql).raw();
    this.equal = {
      asc: prepare(`${select} AND ${column} = ? AND seq > ? ORDER BY seq LIMIT ?`),
      desc: prepare(`${select} AND ${column} = ? AND seq < ? ORDER BY seq DESC LIMIT ?`),
    };
    const range = (first: string, last: string) => `${column} ${first} ? AND ${column} ${last} ?`;
    this.beyond = {
      asc: prepare(`${select} AND ${range('>', '<=')} ORDER BY ${column}, seq LIMIT ?`),
      desc: prepare(`${select} AND ${range('<', '>=')} ORDER BY ${column} DESC, seq DESC LIMIT ?`),
    };
  }

  /** Keys in order, fetched as they are asked for. */
  *keys(prefix: Prefix, order: Order, range: KeyRange, first: number): Generator<Key> {
    let after = range.after;
    for (let size = first; ; size = Math.min(size * GROWTH, LARGEST_FETCH)) {
      const fetched = this.fetch(prefix, order, { ...range, after }, size);
      yield* fetched;
      if (fetched.length < size) return;
      after = fetched.at(-1);
    }
  }

  private fetch(prefix: Prefix, order: Order, range: KeyRange, limit: number): Key[] {
    const { after } = range;
    const [low, high] = this.bounds(range);
    const end = order === 'asc' ? high : low;
    if (!after) {
      // Just outside of the first value that counts.
      const start = order === 'asc' ? before(low) : behind(high);
      return this.beyond[order].all(...prefix, start, end, limit);
    }
    const equal = this.equal[order].all(...prefix, after[0], after[1], limit);
    if (equal.length === limit) return equal;
    return [...equal, ...this.beyond[order].all(...prefix, after[0], end, limit - equal.length)];
  }

  private bounds({ from, to }: KeyRange): [low: Bound, high: Bound] {
    if (this.kind === 'text') return ['', AFTER_TEXT];
    return [from ?? Number.MIN_SAFE_INTEGER, to ?? Number.MAX_SAFE_INTEGER];
  }
}

const before = (low: Bound): Bound => (typeof low === 'number' ? low - 1 : Number.MIN_SAFE_INTEGER);
const behind = (high: Bound): Bound => (typeof high === 'number' ? high + 1 : high);

/** As SQLite compares: numbers by size, text by its UTF-8 bytes. */
export function compareKeys(a: Key, b: Key): number {
  return compareValues(a[0], b[0]) || a[1] - b[1];
}

function compareValues(a: number | string, b: number | string): number {
  if (a === b) return 0;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}

export const comparison = (order: Order): ((a: Key, b: Key) => number) =>
  order === 'asc' ? compareKeys : (a, b) => compareKeys(b, a);
