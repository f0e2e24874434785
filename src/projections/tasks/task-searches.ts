import type { TaskStatus } from '@taskmanager/protocol';
import type { Database, Statement } from '../../database/index.js';
import type { GroupFilter, GroupFinder } from './group-finder.js';
import { comparison, type Key, KeyScan, type Order } from './key-scan.js';
import { mergeKeys } from './merge-keys.js';
import type { TaskTableNames } from './task-tables.js';

/** Ids for commands that name no task, each search by an index of its own. */
export class TaskSearches {
  private readonly created: KeyScan;
  private readonly paused: KeyScan;
  private readonly updated: KeyScan;
  private readonly completed: KeyScan;
  private readonly place: Statement<[number], [id: string, groupId: number]>;
  private readonly holding: Statement<[string], string>;

  constructor(
    db: Database,
    { task }: TaskTableNames,
    private readonly groups: GroupFinder,
  ) {
    this.created = new KeyScan(db, task, ['group_id'], 'created_at');
    this.paused = new KeyScan(db, task, ['group_id'], 'paused_at');
    this.updated = new KeyScan(db, task, ['group_id'], 'updated_at');
    this.completed = new KeyScan(db, task, ['status'], 'completed_at');
    this.place = db
      .prepare<[number], [string, number]>(`SELECT id, group_id FROM ${task} WHERE seq = ?`)
      .raw();
    this.holding = db
      .prepare<[string], string>(`SELECT id FROM ${task} WHERE claim_id = ? ORDER BY seq`)
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
  ended(
    statuses: readonly TaskStatus[],
    completedBefore: number,
    apps: readonly string[] | undefined,
    limit: number,
  ): string[] {
    const allowed = apps && new Set(this.groups.find({ statuses, apps }).map(([id]) => id));
    const scans = [...new Set(statuses)].map((status) =>
      this.completed.keys([status], 'asc', { to: completedBefore }, limit),
    );
    return this.ids(mergeKeys(scans, comparison('asc')), limit, allowed);
  }

  heldBy(claimId: string): string[] {
    return this.holding.all(claimId);
  }

  private ofGroups(scan: KeyScan, filter: GroupFilter, order: Order, limit: number): string[] {
    const scans = this.groups.find(filter).map(([id]) => scan.keys([id], order, {}, limit));
    return this.ids(mergeKeys(scans, comparison(order)), limit);
  }

  private ids(keys: Iterable<Key>, limit: number, groups?: ReadonlySet<number>): string[] {
    const ids: string[] = [];
    for (const [, seq] of keys) {
      const [id, group] = this.place.get(seq) ?? [];
      if (id === undefined || group === undefined || (groups && !groups.has(group))) continue;
      ids.push(id);
      if (ids.length === limit) break;
    }
    return ids;
  }
}
