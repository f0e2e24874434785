import type { TaskSort } from '@taskmanager/protocol';
import type { Database } from '../../database/index.js';
import type { Kysely } from 'kysely';
import type { ViewsSchema } from '../../database/index.js';
import { GroupFinder, type GroupRow } from './group-finder.js';
import { comparison, type Key, type KeyRange, KeyScan } from './key-scan.js';
import { mergeKeys } from './merge-keys.js';
import { TaskCandidates } from './task-candidates.js';
import { type ConditionRow, tagChoices, TaskConditions } from './task-conditions.js';
import type { TaskFilter } from './task-list-filter.js';
import type { TaskTableNames } from './task-tables.js';

/** When the list goes over from one way to the next; counts of tasks. */
export interface ListEffort {
  /** Candidates that are fetched and sorted, at most; about two microseconds each. */
  readonly candidates: number;
  /** Keys that are looked at one by one before the tasks that may match are listed. */
  readonly singly: number;
  /** Tasks that may match, at most, for a list of them to help; a tenth of a microsecond each. */
  readonly members: number;
}

const USUAL_EFFORT: ListEffort = { candidates: 10_000, singly: 1_000, members: 300_000 };

const SORT_VALUE: Record<TaskSort, (row: ConditionRow) => number | string> = {
  createdAt: (row) => row[2],
  updatedAt: (row) => row[3],
  priority: (row) => row[4],
  name: (row) => row[5],
};

/**
 * Finds the keys of the tasks that a filter covers, in order, from any place on:
 * - by groups: what counters answer (status, type, app, …) is one ordered index scan for each group
 *   that fits, merged. A group costs some microseconds, so thousands of them would be felt;
 * - by tag: a label or approver together with any of these, in order of creation, likewise;
 * - by candidates: of labels, approver, text and times under another sort, the rarest one is taken
 *   whole, checked and sorted, if it has few enough tasks.
 * When no filter is rare, the scan is checked task by task, which is quick where many match. Where they
 * turn out to be few, because filters that are each common hardly ever meet, the walk goes on over
 * those only that can match: long at worst, but in the index alone.
 */
export class TaskList {
  readonly groups: GroupFinder;
  private readonly scans: Record<TaskSort, KeyScan>;
  private readonly tags: KeyScan;
  private readonly conditions: TaskConditions;
  private readonly candidates: TaskCandidates;

  constructor(
    db: Database,
    kysely: Kysely<ViewsSchema>,
    names: TaskTableNames,
    private readonly effort: ListEffort = USUAL_EFFORT,
  ) {
    const scan = (column: string, kind?: 'text') =>
      new KeyScan(db, names.task, ['group_id'], column, kind);
    this.groups = new GroupFinder(db, kysely, names);
    this.scans = {
      createdAt: scan('created_at'),
      updatedAt: scan('updated_at'),
      priority: scan('priority'),
      name: scan('name', 'text'),
    };
    this.tags = new KeyScan(db, names.tag, ['tag', 'group_id'], 'created_at');
    this.conditions = new TaskConditions(db, names);
    this.candidates = new TaskCandidates(db, names);
  }

  /** Keys behind `after`; `expected` says how many will probably be taken. */
  *keys(filter: TaskFilter, after: Key | undefined, expected: number): Generator<Key> {
    const groups = this.groups.find(filter.groups);
    if (groups.length === 0) return;
    const [tags, ...others] = tagChoices(filter);
    const inOrder =
      tags && filter.sort === 'createdAt'
        ? this.byTag(tags, filter, groups, after, expected)
        : this.byGroups(filter, groups, after, expected);
    const isPlain = filter.text === undefined && !otherTime(filter) && others.length === 0;
    if (isPlain && (!tags || filter.sort === 'createdAt')) {
      // What is left to check is only who has voted, and that is rare.
      yield* filter.awaitingApprovalBy === undefined
        ? inOrder
        : this.checked(inOrder, filter, groups, () => undefined);
      return;
    }
    const few = this.fewest(filter, groups, this.effort.candidates);
    if (few) yield* this.sorted(few, filter, groups, after);
    else {
      const members = () => this.fewest(filter, groups, this.effort.members);
      yield* this.checked(inOrder, filter, groups, members);
    }
  }

  private byGroups(
    filter: TaskFilter,
    groups: readonly GroupRow[],
    after: Key | undefined,
    expected: number,
  ): Iterable<Key> {
    const { sort, order } = filter;
    const range: KeyRange = { ...timeRange(filter), ...(after && { after }) };
    const first = Math.max(4, Math.ceil((2 * expected) / groups.length));
    const sources = groups.map(([id]) => this.scans[sort].keys([id], order, range, first));
    return mergeKeys(sources, comparison(order));
  }

  private byTag(
    tags: readonly string[],
    filter: TaskFilter,
    groups: readonly GroupRow[],
    after: Key | undefined,
    expected: number,
  ): Iterable<Key> {
    const range: KeyRange = { ...timeRange(filter), ...(after && { after }) };
    const first = Math.max(4, Math.ceil((2 * expected) / groups.length));
    const sources = tags.flatMap((tag) =>
      groups.map(([id]) => this.tags.keys([tag, id], filter.order, range, first)),
    );
    return mergeKeys(sources, comparison(filter.order));
  }

  /** The smallest set of tasks that is sure to hold all that match; undefined when none is small. */
  private fewest(
    filter: TaskFilter,
    groups: readonly GroupRow[],
    most: number,
  ): readonly number[] | undefined {
    const ids = groups.map(([id]) => id);
    const { text, sort, createdFrom, createdTo, updatedFrom, updatedTo } = filter;
    let fewest: readonly number[] | undefined;
    const offer = (found: (limit: number) => readonly number[] | undefined) => {
      fewest = found(fewest ? fewest.length : most) ?? fewest;
    };
    for (const tags of tagChoices(filter)) offer((limit) => this.candidates.byTags(tags, limit));
    if (text !== undefined) offer((limit) => this.candidates.byText(text, limit));
    if (sort !== 'createdAt' && (createdFrom ?? createdTo) !== undefined) {
      offer((limit) => this.candidates.byTime('created_at', ids, createdFrom, createdTo, limit));
    }
    if (sort !== 'updatedAt' && (updatedFrom ?? updatedTo) !== undefined) {
      offer((limit) => this.candidates.byTime('updated_at', ids, updatedFrom, updatedTo, limit));
    }
    return fewest;
  }

  private sorted(
    seqs: readonly number[],
    filter: TaskFilter,
    groups: readonly GroupRow[],
    after: Key | undefined,
  ): Key[] {
    const compare = comparison(filter.order);
    const holds = this.conditions.of(filter, groups);
    const keys: Key[] = [];
    for (const row of this.conditions.rows(seqs)) {
      const key: Key = [SORT_VALUE[filter.sort](row), row[0]];
      if ((!after || compare(key, after) > 0) && holds(row)) keys.push(key);
    }
    return keys.sort(compare);
  }

  private *checked(
    keys: Iterable<Key>,
    filter: TaskFilter,
    groups: readonly GroupRow[],
    listMembers: () => readonly number[] | undefined,
  ): Generator<Key> {
    const holds = this.conditions.of(filter, groups);
    let members: ReadonlySet<number> | undefined;
    let looked = 0;
    for (const key of keys) {
      if (++looked === this.effort.singly) {
        const listed = listMembers();
        members = listed && new Set(listed);
      }
      if (members && !members.has(key[1])) continue;
      const row = this.conditions.rowOf(key[1]);
      if (row && holds(row)) yield key;
    }
  }
}

/** The times that the sort's own index answers. */
function timeRange(filter: TaskFilter): KeyRange {
  const { sort, createdFrom, createdTo, updatedFrom, updatedTo } = filter;
  if (sort === 'createdAt') return { from: createdFrom, to: createdTo };
  if (sort === 'updatedAt') return { from: updatedFrom, to: updatedTo };
  return {};
}

/** Times are asked for that the sort's index does not answer. */
function otherTime(filter: TaskFilter): boolean {
  const { sort, createdFrom, createdTo, updatedFrom, updatedTo } = filter;
  return (
    (sort !== 'createdAt' && (createdFrom ?? createdTo) !== undefined) ||
    (sort !== 'updatedAt' && (updatedFrom ?? updatedTo) !== undefined)
  );
}
