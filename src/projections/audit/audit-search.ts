/** Answers pages of an audit file, with bounded work. */
import type { Database, Statement } from '@taskmanager/sqlite-driver';
import { AuditConditions, type AuditQuestion, type Condition, isOwn } from './audit-conditions.js';
import type { AuditRow } from './audit-row.js';
import { AuditRows } from './audit-rows.js';

/** Rows that a page and a count look at, at most: some ten milliseconds. */
const BUDGETS = { page: 20_000, count: 50_000 };
/** What a stretch costs beside its rows, in rows. */
const STRETCH_COST = 20;
const MOST_STATEMENTS = 200;

export interface AuditSearchRequest extends AuditQuestion {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  /** The last row that was looked at: strictly beyond it. */
  readonly beyond?: number;
  readonly count?: boolean;
}

export interface FoundRows {
  readonly rows: readonly AuditRow[];
  /** The last row that was looked at, when there may be more beyond it. */
  readonly next?: number;
  readonly count?: { readonly events: number; readonly exact: boolean };
}

/** Offsets, both ends included. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

type Select = (from: number, to: number, limit: number) => number[];

export class AuditSearch {
  private readonly conditions: AuditConditions;
  private readonly rows: AuditRows;
  private readonly statements = new Map<string, Statement<unknown[], number>>();

  constructor(
    private readonly db: Database,
    private readonly budgets = BUDGETS,
  ) {
    this.conditions = new AuditConditions(db);
    this.rows = new AuditRows(db);
  }

  /** One state of the file for all that is read of it. */
  page(request: AuditSearchRequest): FoundRows {
    return this.db.transaction(() => this.read(request))();
  }

  private read(request: AuditSearchRequest): FoundRows {
    const { order, limit, beyond } = request;
    const conditions = this.conditions.of(request);
    if (!conditions) return { rows: [], ...(request.count && { count: NONE }) };
    const rarest = rarestOf(request, conditions);
    const bounds =
      order === 'asc' ? { from: (beyond ?? -1) + 1 } : { to: (beyond ?? Infinity) - 1 };
    const offsets: number[] = [];
    const { end } = this.walk(request, rarest, bounds, this.budgets.page, 4 * limit, (from, to) => {
      const found = this.select(
        request,
        conditions,
        rarest,
        'offset',
      )(from, to, limit + 1 - offsets.length);
      offsets.push(...found);
      return offsets.length <= limit;
    });
    const full = offsets.length > limit;
    const shown = offsets.slice(0, limit);
    const next = full ? shown.at(-1) : end;
    return {
      rows: this.rowsAt(shown, request.correlationId),
      ...(next !== undefined && { next }),
      ...(request.count && { count: this.count(request, conditions) }),
    };
  }

  private rowsAt(offsets: readonly number[], correlationId: string | undefined): AuditRow[] {
    const rows = offsets.flatMap((offset) => this.rows.at(offset) ?? []);
    // Its number stands for more than one text.
    return correlationId === undefined
      ? rows
      : rows.filter((row) => row.correlationId === correlationId);
  }

  private count(
    request: AuditSearchRequest,
    conditions: readonly Condition[],
  ): NonNullable<FoundRows['count']> {
    const hidden = conditions.find(({ column, not }) => not && column === 'stream');
    const asked = conditions.filter((one) => one !== hidden);
    const kept = this.keptCount(request, asked);
    if (kept === undefined) return this.counted(request, conditions);
    if (!hidden) return { events: kept, exact: true };
    // What nobody is to see is little, and is counted instead.
    const less = this.counted(request, [...asked, { ...hidden, not: false, events: undefined }]);
    return less.exact
      ? { events: kept - less.events, exact: true }
      : this.counted(request, conditions);
  }

  /** Known without looking at rows: of one filter, or of none. */
  private keptCount(
    { atFrom, atTo }: AuditSearchRequest,
    [only, ...others]: readonly Condition[],
  ): number | undefined {
    if (others.length > 0 || atFrom !== undefined || atTo !== undefined) return undefined;
    return only ? only.events : (this.one('SELECT total(events) FROM block') ?? 0);
  }

  private counted(
    request: AuditSearchRequest,
    conditions: readonly Condition[],
  ): NonNullable<FoundRows['count']> {
    const rarest = rarestOf(request, conditions);
    let events = 0;
    const { end } = this.walk(request, rarest, {}, this.budgets.count, 5_000, (from, to) => {
      events += this.select(request, conditions, rarest, 'count(*)')(from, to, -1)[0] ?? 0;
      return true;
    });
    return { events, exact: end === undefined };
  }

  /**
   * Looks at the rarest list, or at all rows, stretch by stretch, each twice as long as the one before, until
   * `look` answers false or the budget is used up: then it answers where it ended.
   */
  private walk(
    { order, atFrom, atTo }: AuditSearchRequest,
    rarest: Condition | undefined,
    bounds: Partial<Stretch>,
    budget: number,
    firstStep: number,
    look: (from: number, to: number) => boolean,
  ): { readonly end?: number } {
    let step = firstStep;
    let left = budget;
    for (const { from, to } of this.ranges(order, atFrom, atTo, bounds)) {
      let [low, high] = [from, to];
      while (low <= high) {
        const size = Math.min(step, Math.max(left, 1));
        const stop = this.stopOf(rarest, order, low, high, size);
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
    rarest: Condition | undefined,
    order: 'asc' | 'desc',
    low: number,
    high: number,
    size: number,
  ): number | undefined {
    const direction = order === 'asc' ? 'ASC' : 'DESC';
    const rest = `offset BETWEEN ? AND ? ORDER BY offset ${direction} LIMIT 1 OFFSET ?`;
    if (!rarest) return this.one(`SELECT offset FROM event WHERE ${rest}`, low, high, size - 1);
    const { column, ids } = rarest;
    const each = Math.ceil(size / ids.length);
    const sql = `SELECT offset FROM event INDEXED BY event_by_${column} WHERE ${column} = ? AND ${rest}`;
    const stops = ids.flatMap((id) => this.one(sql, id, low, high, each - 1) ?? []);
    if (stops.length === 0) return undefined;
    return order === 'asc' ? Math.min(...stops) : Math.max(...stops);
  }

  private select(
    request: AuditSearchRequest,
    conditions: readonly Condition[],
    rarest: Condition | undefined,
    what: 'offset' | 'count(*)',
  ): Select {
    const index = rarest ? `INDEXED BY event_by_${rarest.column}` : 'NOT INDEXED';
    const found = this.selected(request, conditions, index, what);
    const elsewhere = conditions.find(({ alsoAt = [] }) => alsoAt.length > 0);
    if (!elsewhere) return found;
    // These rows are few, and are in none of the lists: they are put between those that are.
    const others = conditions.filter((one) => one !== elsewhere);
    const also = this.selected(request, others, 'NOT INDEXED', what, elsewhere.alsoAt);
    if (what === 'count(*)') {
      return (...range) => [(found(...range)[0] ?? 0) + (also(...range)[0] ?? 0)];
    }
    const sign = request.order === 'asc' ? 1 : -1;
    return (from, to, limit) =>
      [...found(from, to, limit), ...also(from, to, limit)]
        .sort((a, b) => sign * (a - b))
        .slice(0, limit);
  }

  /** @param at when given, only these offsets */
  private selected(
    { order, atFrom, atTo }: AuditSearchRequest,
    conditions: readonly Condition[],
    index: string,
    what: 'offset' | 'count(*)',
    at?: readonly number[],
  ): Select {
    const terms = conditions.map(({ column, ids, not }) =>
      ids.length === 1
        ? `${column} ${not ? '<>' : '='} ?`
        : `${column} ${not ? 'NOT ' : ''}IN (SELECT value FROM json_each(?))`,
    );
    const values = conditions.map(({ ids }) => (ids.length === 1 ? ids[0] : JSON.stringify(ids)));
    if (at) {
      terms.push('offset IN (SELECT value FROM json_each(?))');
      values.push(JSON.stringify(at));
    }
    if (atFrom !== undefined || atTo !== undefined) {
      terms.push('at BETWEEN ? AND ?');
      values.push(atFrom ?? 0, atTo ?? Number.MAX_SAFE_INTEGER);
    }
    // The plus leaves the few offsets to be looked up, not a range of the log to be walked.
    const range = `${at ? '+' : ''}offset BETWEEN ? AND ?`;
    const where = [range, ...terms].join(' AND ');
    const page = what === 'offset' ? `ORDER BY offset ${order} LIMIT ?` : 'LIMIT ?';
    const statement = this.prepared(`SELECT ${what} FROM event ${index} WHERE ${where} ${page}`);
    return (from, to, limit) => statement.all(from, to, ...values, limit);
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

  private one(sql: string, ...values: unknown[]): number | undefined {
    return this.prepared(sql).get(...values);
  }

  private prepared(sql: string): Statement<unknown[], number> {
    let statement = this.statements.get(sql);
    if (!statement) {
      if (this.statements.size >= MOST_STATEMENTS) this.statements.clear();
      statement = this.db.prepare<unknown[], number>(sql).pluck();
      this.statements.set(sql, statement);
    }
    return statement;
  }
}

const NONE = { events: 0, exact: true };

/** The list that is worth walking: a column that rows have rarely. */
function rarestOf(
  { confined = false }: AuditQuestion,
  conditions: readonly Condition[],
): Condition | undefined {
  return conditions
    .filter((one) => !one.not && (!confined || isOwn(one)))
    .reduce<Condition | undefined>(
      (rarest, one) => (rarest && (rarest.events ?? 0) <= (one.events ?? 0) ? rarest : one),
      undefined,
    );
}
