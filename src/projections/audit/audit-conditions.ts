/** What a filter asks of rows: which columns may have which numbers, and how many events have them. */
import { AuditNames } from './audit-names.js';
import type { NameKind } from './audit-schema.js';
import { correlationNumbers } from './correlation-number.js';
import type { Database, Statement } from '@taskmanager/sqlite-driver';

/** As {@link AuditFilter} of the protocol, with what a token confines. */
export interface AuditQuestion {
  readonly actor?: string;
  /** Streams that are left out. */
  readonly unseen?: readonly string[];
  /** All of them when undefined; no name: none. */
  readonly apps?: readonly string[];
  /**
   * Who asks may know of no other apps: only lists of what is theirs are walked, so that neither an empty
   * page nor a count that is not exact says how often a name stands elsewhere.
   */
  readonly confined?: boolean;
  readonly taskIds?: readonly string[];
  readonly taskTypes?: readonly string[];
  readonly events?: readonly string[];
  readonly workerId?: string;
  readonly correlationId?: string;
  readonly refused?: boolean;
  readonly atFrom?: number;
  readonly atTo?: number;
}

export type AuditColumn =
  'stream' | 'type' | 'actor' | 'app' | 'task_type' | 'worker' | 'correlation';

export interface Condition {
  readonly column: AuditColumn;
  readonly ids: readonly number[];
  /** Rows that have any but these. */
  readonly not: boolean;
  /** Offsets of rows that fulfil it though their column has another number. */
  readonly alsoAt?: readonly number[];
  /** How many rows fulfil it; undefined when only counting them tells. */
  readonly events: number | undefined;
}

/** Events that say that something was refused. */
const REFUSALS = ['CommandRefused', 'RefusalsOmitted'];
/** The streams that may hold events of a task; imported ones, each followed by `.<n>` when begun anew. */
const STREAMS = ['task-', 'refused-', 'imported-', 'imported-refused-'];

export class AuditConditions {
  private readonly names: AuditNames;
  private readonly stream: Statement<[string], { id: number; events: number }>;
  private readonly lastBlock: Statement<[], number | null>;
  private readonly streams: Statement<[{ name: string }], { id: number; events: number }>;
  private readonly about: Statement<[string], number>;
  private readonly appOf: Statement<[number], number>;

  constructor(db: Database) {
    this.names = new AuditNames(db);
    this.stream = db.prepare('SELECT id, events FROM stream WHERE name = ?');
    this.lastBlock = db.prepare<[], number | null>('SELECT max(id) FROM block').pluck();
    // What follows '.' by bytes is '/'.
    this.streams = db.prepare(
      "SELECT id, events FROM stream WHERE name = @name OR (name > @name || '.' AND name < @name || '/')",
    );
    this.about = db.prepare<[string], number>('SELECT offset FROM about WHERE task = ?').pluck();
    this.appOf = db
      .prepare<[number], number>('SELECT app FROM event WHERE stream = ? ORDER BY offset LIMIT 1')
      .pluck();
  }

  /** Undefined when no row can fulfil them: a name that nobody has. */
  of(question: AuditQuestion): readonly Condition[] | undefined {
    const { actor, apps, taskIds, taskTypes, events, workerId, correlationId, refused } = question;
    const types =
      refused === true ? REFUSALS.filter((type) => events?.includes(type) ?? true) : events;
    const conditions = [
      actor === undefined ? undefined : this.named('actor', 'actor', [actor]),
      apps && this.named('app', 'app', apps),
      taskTypes && this.named('task_type', 'taskType', taskTypes),
      workerId === undefined ? undefined : this.named('worker', 'worker', [workerId]),
      types && this.named('type', 'type', types),
      refused === false ? this.unrefused() : undefined,
      taskIds && this.ofTasks(taskIds, question.confined ? (apps ?? []) : undefined),
      this.seen(question.unseen ?? []),
      correlationId === undefined ? undefined : this.correlated(correlationId),
    ].filter((one) => one !== undefined);
    // That nobody has a name is not told to who may not know that others have it.
    const known = question.confined ? conditions.filter(isOwn) : conditions;
    const canBe = ({ ids, not, alsoAt = [] }: Condition) => not || ids.length + alsoAt.length > 0;
    return known.every(canBe) ? conditions : undefined;
  }

  private named(column: AuditColumn, kind: NameKind, texts: readonly string[]): Condition {
    const found = [...new Set(texts)].flatMap((text) => this.names.find(kind, text) ?? []);
    return condition(column, found);
  }

  /** @param apps when given, streams of other apps are as if they were not there: a stream has one app */
  private ofTasks(taskIds: readonly string[], apps: readonly string[] | undefined): Condition {
    const names = [...new Set(taskIds)].flatMap((id) => STREAMS.map((prefix) => `${prefix}${id}`));
    const found = names.flatMap((name) => this.streams.all({ name }));
    const own = apps && new Set(apps.map((app) => this.names.find('app', app)?.id));
    const seen = found.filter(({ id }) => own?.has(this.appOf.get(id)) ?? true);
    const { events = 0, ...rest } = condition('stream', seen);
    const alsoAt = [...new Set(taskIds)].flatMap((id) => this.about.all(id));
    return { ...rest, events: events + alsoAt.length, alsoAt };
  }

  private correlated(correlationId: string): Condition {
    const ids = correlationNumbers(correlationId, this.lastBlock.get() ?? 0);
    return { column: 'correlation', ids, not: false, events: undefined };
  }

  /** Any but these streams. */
  private seen(unseen: readonly string[]): Condition | undefined {
    const found = unseen.flatMap((name) => this.stream.get(name) ?? []);
    return found.length === 0 ? undefined : this.butFor(condition('stream', found));
  }

  private unrefused(): Condition | undefined {
    const refusals = REFUSALS.flatMap((type) => this.names.find('type', type) ?? []);
    if (refusals.length === 0) return undefined;
    return this.butFor(condition('type', refusals));
  }

  private butFor({ column, ids, events = 0 }: Condition): Condition {
    const all = this.names.all('type').reduce((sum, one) => sum + one.events, 0);
    return { column, ids, not: true, events: all - events };
  }
}

/** Whether it is fulfilled by rows of the asked apps alone; see {@link AuditQuestion.confined}. */
export const isOwn = ({ column }: Condition): boolean => column === 'app' || column === 'stream';

function condition(
  column: AuditColumn,
  found: readonly { readonly id: number; readonly events: number }[],
): Condition {
  const events = found.reduce((sum, one) => sum + one.events, 0);
  return { column, ids: found.map(({ id }) => id), not: false, events };
}
