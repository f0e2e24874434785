/** Goes along the posting lists of an audit file, a stretch at a time, with bounded work. */
import type { Database, Statement } from '@taskmanager/sqlite-driver';
import type { Condition } from './audit-conditions.js';

/** What a stretch costs beside its rows, in rows. */
const STRETCH_COST = 20;
const MOST_STATEMENTS = 200;

/** Offsets, both ends included. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** From which end, and where the times of what is looked for lie. */
export interface Direction {
  readonly order: 'asc' | 'desc';
  readonly atFrom?: number;
  readonly atTo?: number;
}

/** The rarest list, or all rows: which stretch of it is looked at, and how. */
export interface Walk {
  readonly list: Condition | undefined;
  readonly bounds: Partial<Stretch>;
  /** Rows that may be looked at. */
  readonly budget: number;
  /** Rows of the first stretch. */
  readonly step: number;
  /** False: that is enough. */
  readonly look: (from: number, to: number) => boolean;
}

export class AuditWalk {
  private readonly statements = new Map<string, Statement<unknown[], number>>();

  constructor(private readonly db: Database) {}

  /**
   * Looks at it stretch by stretch, each twice as long as the one before, until `look` answers false or the
   * budget is used up: then it answers where it ended.
   */
  along(
    { order, atFrom, atTo }: Direction,
    { list, bounds, budget, step: first, look }: Walk,
  ): { readonly end?: number } {
    let step = first;
    let left = budget;
    for (const { from, to } of this.ranges(order, atFrom, atTo, bounds)) {
      let [low, high] = [from, to];
      while (low <= high) {
        const size = Math.min(step, Math.max(left, 1));
        const stop = this.stopOf(list, order, low, high, size);
        const [a, b] = order === 'asc' ? [low, stop ?? high] : [stop ?? low, high];
        if (!look(a, b)) return {};
        left -= (stop === undefined ? 0 : size) + STRETCH_COST;
        if (left <= 0) return { end: order === 'asc' ? b : a };
        if (stop === undefined) break;
        if (order === 'asc') low = b + 1;
        else high = a - 1;
        step *= 2;
      }
    }
    return {};
  }

  /** Where the list has so many rows from here on; undefined when it ends before. */
  private stopOf(
    list: Condition | undefined,
    order: 'asc' | 'desc',
    low: number,
    high: number,
    size: number,
  ): number | undefined {
    const direction = order === 'asc' ? 'ASC' : 'DESC';
    const rest = `offset BETWEEN ? AND ? ORDER BY offset ${direction} LIMIT 1 OFFSET ?`;
    if (!list) return this.one(`SELECT offset FROM event WHERE ${rest}`, low, high, size - 1);
    const { column, ids } = list;
    const each = Math.ceil(size / ids.length);
    const sql = `SELECT offset FROM event INDEXED BY event_by_${column} WHERE ${column} = ? AND ${rest}`;
    const stops = ids.flatMap((id) => this.one(sql, id, low, high, each - 1) ?? []);
    if (stops.length === 0) return undefined;
    return order === 'asc' ? Math.min(...stops) : Math.max(...stops);
  }

  /** Stretches in which the times may lie, in the order that is asked for. */
  private ranges(
    order: 'asc' | 'desc',
    atFrom: number | undefined,
    atTo: number | undefined,
    { from = 0, to = Number.MAX_SAFE_INTEGER }: Partial<Stretch>,
  ): readonly Stretch[] {
    const high = Math.min(to, Number.MAX_SAFE_INTEGER);
    if (atFrom === undefined && atTo === undefined) return [{ from, to: high }];
    const blocks = this.db
      .prepare<number[], Stretch & { id: number }>(
        `SELECT id, first AS "from", last AS "to" FROM block
         WHERE max_at >= ? AND min_at <= ? AND last >= ? AND first <= ? ORDER BY id`,
      )
      .all(atFrom ?? 0, atTo ?? Number.MAX_SAFE_INTEGER, from, high);
    const ranges: { id: number; from: number; to: number }[] = [];
    for (const block of blocks) {
      const last = ranges.at(-1);
      if (last?.id === block.id - 1) Object.assign(last, { id: block.id, to: block.to });
      else ranges.push({ ...block });
    }
    const within = ranges.map((one) => ({
      from: Math.max(one.from, from),
      to: Math.min(one.to, high),
    }));
    return order === 'asc' ? within : within.reverse();
  }

  one(sql: string, ...values: unknown[]): number | undefined {
    return this.prepared(sql).get(...values);
  }

  prepared(sql: string): Statement<unknown[], number> {
    let statement = this.statements.get(sql);
    if (!statement) {
      if (this.statements.size >= MOST_STATEMENTS) this.statements.clear();
      statement = this.db.prepare<unknown[], number>(sql).pluck();
      this.statements.set(sql, statement);
    }
    return statement;
  }
}
