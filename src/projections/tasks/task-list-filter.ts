import { createHash } from 'node:crypto';
import type { TaskSort } from '@taskmanager/protocol';
import { Refusal } from '../../context/index.js';
import type { GroupFilter } from './group-finder.js';
import type { Key, Order } from './key-scan.js';

/** What is looked for; the defaults are filled in. */
export interface TaskFilter {
  readonly groups: GroupFilter;
  /** All must match. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly awaitingApprovalBy?: string;
  readonly createdFrom?: number;
  readonly createdTo?: number;
  readonly updatedFrom?: number;
  readonly updatedTo?: number;
  readonly sort: TaskSort;
  readonly order: Order;
}

export interface TaskPageRequest extends TaskFilter {
  readonly limit: number;
  readonly cursor?: string;
}

/** Newest, highest and last changed first; names from A on, by Unicode code point, capitals before small. */
export function defaultOrder(sort: TaskSort): Order {
  return sort === 'name' ? 'asc' : 'desc';
}

/** A cursor is bound to its filter and sort: with another one it would point nowhere. */
export function encodeCursor(filter: TaskFilter, [value, seq]: Key): string {
  return Buffer.from(JSON.stringify([fingerprint(filter), value, seq])).toString('base64url');
}

/** Refuses what no page of the same list gave out. */
export function decodeCursor(filter: TaskFilter, cursor: string | undefined): Key | undefined {
  if (cursor === undefined) return undefined;
  const parts = parse(cursor);
  if (parts?.[0] === fingerprint(filter)) {
    const [, value, seq] = parts;
    const wanted = filter.sort === 'name' ? 'string' : 'number';
    const whole = typeof value === 'string' || Number.isSafeInteger(value);
    if (typeof value === wanted && whole && Number.isSafeInteger(seq)) {
      return [value as number | string, seq as number];
    }
  }
  throw new Refusal(
    'VALIDATION_FAILED',
    'cursor is not one that this list gave out: filters, sort and order must stay the same from page to page. Start again without a cursor.',
    { field: 'cursor' },
  );
}

function parse(cursor: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(value) && value.length === 3 ? value : undefined;
  } catch {
    // Not ours: the caller refuses it.
    return undefined;
  }
}

function fingerprint(filter: TaskFilter): string {
  const { groups, labels, text, awaitingApprovalBy, sort, order } = filter;
  const { createdFrom, createdTo, updatedFrom, updatedTo } = filter;
  const parts = [
    ...[groups.statuses, groups.taskTypes].map((list) => (list ? [...list].sort() : null)),
    ...[groups.appName, groups.runBy, groups.persistent, groups.mark],
    labels && Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)),
    ...[text, awaitingApprovalBy, createdFrom, createdTo, updatedFrom, updatedTo, sort, order],
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16);
}
