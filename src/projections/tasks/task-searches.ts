import type { Database, Statement } from '../../database/index.js';
import type { GroupFilter, GroupFinder } from './group-finder.js';
import { comparison, type Key, type KeyRange, KeyScan, type Order } from './key-scan.js';
import { mergeKeys } from './merge-keys.js';
import type { TaskTableNames } from './task-tables.js';

/** Keys that are fetched of each group at first, at least. */
const FIRST_FETCH = 16;

/** Ids for commands that name no task, each search by an index of its own. */
export class TaskSearches {
  private readonly created: KeyScan;
  private readonly paused: KeyScan;
  private readonly updated: KeyScan;
  private readonly completed: KeyScan;
  private readonly idOf: Statement<[number], string>;
  private readonly holding: Statement<[string], string>;
  private readonly heldOfType: Statement<[string], number>;

  constructor(
    db: Database,
    { task, group }: TaskTableNames,
    private readonly groups: GroupFinder,
  ) {
    this.created = new KeyScan(db, task, ['group_id'], 'created_at');
    this.paused = new KeyScan(db, task, ['group_id'], 'paused_at');
    this.updated = new KeyScan(db, task, ['group_id'], 'updated_at');
    this.completed = new KeyScan(db, task, ['group_id'], 'completed_at');
    this.idOf = db.prepare<[number], string>(`SELECT id FROM ${task} WHERE seq = ?`).pluck();
    this.holding = db
      .prepare<[string], string>(`SELECT id FROM ${task} WHERE claim_id = ? ORDER BY seq`)
      .pluck();
    this.heldOfType = db
      .prepare<[string], number>(
        `SELECT coalesce(sum(count), 0) FROM ${group} WHERE task_type = ? AND mark = 'leased'`,
      )
      .pluck();
  }

  /** The oldest first. */
  running(filter: GroupFilter, limit: number): string[] {
    return this.ofGroups(this.created, { ...filter, statuses: ['running'] }, 'asc', limit);
  }

  /** The last one first. */
  lastPaused(filter: GroupFilter, limit: number): string[] {
    return this.ofGroups(this.paused, { ...filter, statuses: ['paused'] }, 'desc', limit);
  }

  /** The last one first. */
  changedLast(filter: GroupFilter, limit: number): string[] {
    return this.ofGroups(this.updated, filter, 'desc', limit);
  }

  /** What ended first, first. */
  ended(filter: GroupFilter, completedBefore: number, limit: number): string[] {
    return this.ofGroups(this.completed, filter, 'asc', limit, { to: completedBefore });
  }

  heldBy(claimId: string): string[] {
    return this.holding.all(claimId);
  }

  /** How many tasks of the type are under a lease. */
  held(taskType: string): number {
    return this.heldOfType.get(taskType) ?? 0;
  }

  /** Tasks under a lease, the oldest first. */
  leased(filter: GroupFilter, limit: number): string[] {
    return this.ofGroups(this.created, { ...filter, mark: 'leased' }, 'asc', limit);
  }

  /** By type: how many tasks workers hold, and how many wait for one or for their time. */
  workOf(filter: GroupFilter): Map<string, { held: number; pending: number }> {
    const counts = new Map<string, { held: number; pending: number }>();
    const add = (name: 'held' | 'pending', groups: GroupFilter) => {
      for (const [, , taskType, count] of this.groups.find({ ...filter, ...groups })) {
        const work = counts.get(taskType) ?? { held: 0, pending: 0 };
        work[name] += count;
        counts.set(taskType, work);
      }
    };
    add('held', { mark: 'leased' });
    add('pending', { statuses: ['pending'], runBy: 'worker' });
    return counts;
  }

  private ofGroups(
    scan: KeyScan,
    filter: GroupFilter,
    order: Order,
    limit: number,
    range: KeyRange = {},
  ): string[] {
    const groups = this.groups.find(filter);
    const first = Math.min(limit, Math.max(FIRST_FETCH, Math.ceil(limit / groups.length)));
    const scans = groups.map(([id]) => scan.keys([id], order, range, first));
    return this.ids(mergeKeys(scans, comparison(order)), limit);
  }

  private ids(keys: Iterable<Key>, limit: number): string[] {
    const ids: string[] = [];
    for (const [, seq] of keys) {
      const id = this.idOf.get(seq);
      if (id === undefined) continue;
      ids.push(id);
      if (ids.length === limit) break;
    }
    return ids;
  }
}
