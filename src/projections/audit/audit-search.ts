/** Answers pages of an audit file, with bounded work. */
import type { Database } from '@taskmanager/sqlite-driver';
import { AuditConditions, type AuditQuestion, type Condition, isOwn } from './audit-conditions.js';
import type { AuditRow } from './audit-row.js';
import { AuditRows } from './audit-rows.js';
import { AuditWalk } from './audit-walk.js';

/** Rows that a page and a count look at, at most: some ten milliseconds. */
const BUDGETS = { page: 20_000, count: 50_000 };

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

type Select = (from: number, to: number, limit: number) => number[];

export class AuditSearch {
  private readonly conditions: AuditConditions;
  private readonly rows: AuditRows;
  private readonly walk: AuditWalk;

  constructor(
    private readonly db: Database,
    private readonly budgets = BUDGETS,
  ) {
    this.conditions = new AuditConditions(db);
    this.rows = new AuditRows(db);
    this.walk = new AuditWalk(db);
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
    const look = (from: number, to: number): boolean => {
      const most = limit + 1 - offsets.length;
      offsets.push(...this.select(request, conditions, rarest, 'offset')(from, to, most));
      return offsets.length <= limit;
    };
    const { page: budget } = this.budgets;
    const walk = { list: rarest, bounds, budget, step: 4 * limit, look };
    const { end } = this.walk.along(request, walk);
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
    return only ? only.events : (this.walk.one('SELECT total(events) FROM block') ?? 0);
  }

  private counted(
    request: AuditSearchRequest,
    conditions: readonly Condition[],
  ): NonNullable<FoundRows['count']> {
    const rarest = rarestOf(request, conditions);
    let events = 0;
    const look = (from: number, to: number): boolean => {
      events += this.select(request, conditions, rarest, 'count(*)')(from, to, -1)[0] ?? 0;
      return true;
    };
    const { count: budget } = this.budgets;
    const walk = { list: rarest, bounds: {}, budget, step: 5_000, look };
    const { end } = this.walk.along(request, walk);
    return { events, exact: end === undefined };
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
    const statement = this.walk.prepared(
      `SELECT ${what} FROM event ${index} WHERE ${where} ${page}`,
    );
    return (from, to, limit) => statement.all(from, to, ...values, limit);
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
