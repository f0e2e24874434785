import type { Database, Statement } from '../../database/index.js';
import type { GroupRow } from './group-finder.js';
import { approverTag, ANYONE, foldText, labelTag, votedTag } from './task-columns.js';
import type { TaskFilter } from './task-list-filter.js';
import type { TaskTableNames } from './task-tables.js';

/** What conditions look at of one task. */
export type ConditionRow = [
  seq: number,
  groupId: number,
  createdAt: number,
  updatedAt: number,
  priority: number,
  name: string,
  error: string | null,
];

export type Condition = (row: ConditionRow) => boolean;

/** Tags of which one must be there. */
export type TagChoice = readonly string[];

/** Each label by itself, then the approver: as named, or anyone. */
export function tagChoices({ labels, awaitingApprovalBy: who }: TaskFilter): TagChoice[] {
  const choices: TagChoice[] = Object.entries(labels ?? {}).map((label) => [labelTag(...label)]);
  if (who !== undefined) choices.push([approverTag(who), ANYONE]);
  return choices;
}

/** Filters as questions about one row. */
export class TaskConditions {
  private readonly rowsOf: Statement<[string], ConditionRow>;
  private readonly row: Statement<[number], ConditionRow>;
  private readonly tagged: Statement<[string, number, number, number]>;

  constructor(db: Database, { task, tag }: TaskTableNames) {
    const columns = 'seq, group_id, created_at, updated_at, priority, name, error';
    const select = `SELECT ${columns} FROM ${task} WHERE seq`;
    this.row = db.prepare<[number], ConditionRow>(`${select} = ?`).raw();
    this.rowsOf = db
      .prepare<[string], ConditionRow>(`${select} IN (SELECT value FROM json_each(?))`)
      .raw();
    this.tagged = db.prepare(
      `SELECT 1 FROM ${tag} WHERE tag = ? AND group_id = ? AND created_at = ? AND seq = ?`,
    );
  }

  rowOf(seq: number): ConditionRow | undefined {
    return this.row.get(seq);
  }

  rows(seqs: readonly number[]): ConditionRow[] {
    return this.rowsOf.all(JSON.stringify(seqs));
  }

  /** All of a filter, with the groups that it covers. */
  of(filter: TaskFilter, groups: readonly GroupRow[]): Condition {
    const covered = new Set(groups.map(([id]) => id));
    const { text, awaitingApprovalBy: who } = filter;
    const { createdFrom, createdTo, updatedFrom, updatedTo } = filter;
    const conditions: Condition[] = [(row) => covered.has(row[1])];
    const created = within(createdFrom, createdTo);
    if (created) conditions.push((row) => created(row[2]));
    const updated = within(updatedFrom, updatedTo);
    if (updated) conditions.push((row) => updated(row[3]));
    for (const choice of tagChoices(filter)) {
      conditions.push((row) => choice.some((tag) => this.has(tag, row)));
    }
    if (who !== undefined) conditions.push((row) => !this.has(votedTag(who), row));
    if (text !== undefined) {
      const wanted = foldText(text);
      const holds = (value: string | null) => value !== null && foldText(value).includes(wanted);
      conditions.push((row) => holds(row[5]) || holds(row[6]));
    }
    return (row) => conditions.every((holds) => holds(row));
  }

  private has(tag: string, row: ConditionRow): boolean {
    return this.tagged.get(tag, row[1], row[2], row[0]) !== undefined;
  }
}

function within(from?: number, to?: number): ((value: number) => boolean) | undefined {
  if (from === undefined && to === undefined) return undefined;
  return (value) => value >= (from ?? value) && value <= (to ?? value);
}
