import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from '../../database/index.js';
import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** The names of one generation's tables. */
export interface TaskTableNames {
  /** One row a task: its state without the large payloads, and what lists sort and filter by. */
  readonly task: string;
  /** Apart, so that progress does not rewrite 128 KiB of data. */
  readonly payload: string;
  /** The distinct combinations of what lists filter by most, each with the number of its tasks. */
  readonly group: string;
  /** Labels and approvers, by group, in order of creation. */
  readonly tag: string;
  /** Trigrams of name and error. */
  readonly text: string;
  /** Pending tasks that a worker may claim, in the order in which they are given out. */
  readonly queue: string;
  /** Pending tasks for workers whose runAt is still to come. */
  readonly due: string;
}

export function tableNames(generation: number): TaskTableNames {
  const name = (part: string) => `task_${part}_${generation}`;
  return {
    task: name('row'),
    payload: name('payload'),
    group: name('group'),
    tag: name('tag'),
    text: name('text'),
    queue: name('queue'),
    due: name('due'),
  };
}

/**
 * Makes what is missing. `seq` is the position of TaskCreated in the log's own numbers: the order of
 * creation, the same in every rebuild. Every index ends in it (SQLite appends the rowid), so that each
 * sort is total and pages go on from a key.
 */
export async function createTables(db: Kysely<never>, names: TaskTableNames): Promise<void> {
  const { schema } = db;
  await schema
    .createTable(names.group)
    .ifNotExists()
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('task_type', 'text', (column) => column.notNull())
    .addColumn('app_name', 'text', (column) => column.notNull())
    .addColumn('run_by', 'text', (column) => column.notNull())
    .addColumn('persistent', 'integer', (column) => column.notNull())
    .addColumn('mark', 'text', (column) => column.notNull())
    .addColumn('count', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable(names.task)
    .ifNotExists()
    .addColumn('seq', 'integer', (column) => column.primaryKey())
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('group_id', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('updated_at', 'integer', (column) => column.notNull())
    .addColumn('priority', 'integer', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('completed_at', 'integer')
    .addColumn('paused_at', 'integer')
    .addColumn('claim_id', 'text')
    .addColumn('due_at', 'integer')
    .addColumn('error', 'text')
    .addColumn('state', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable(names.payload)
    .ifNotExists()
    .addColumn('seq', 'integer', (column) => column.primaryKey())
    .addColumn('data', 'text')
    .addColumn('input', 'text')
    .addColumn('result', 'text')
    .addColumn('checkpoint', 'text')
    .execute();
  await sql`CREATE TABLE IF NOT EXISTS ${sql.table(names.tag)} (
    tag TEXT NOT NULL, group_id INTEGER NOT NULL, created_at INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (tag, group_id, created_at, seq)) WITHOUT ROWID`.execute(db);
  await sql`CREATE TABLE IF NOT EXISTS ${sql.table(names.queue)} (
    task_type TEXT NOT NULL, rank INTEGER NOT NULL, created_at INTEGER NOT NULL,
    seq INTEGER NOT NULL, app_name TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (task_type, rank, created_at, seq)) WITHOUT ROWID`.execute(db);
  await sql`CREATE TABLE IF NOT EXISTS ${sql.table(names.due)} (
    run_at INTEGER NOT NULL, seq INTEGER NOT NULL, task_type TEXT NOT NULL, rank INTEGER NOT NULL,
    created_at INTEGER NOT NULL, app_name TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (run_at, seq)) WITHOUT ROWID`.execute(db);
  // Without positions the index is small and quick to write; whoever asks checks the text itself.
  await sql`CREATE VIRTUAL TABLE IF NOT EXISTS ${sql.table(names.text)} USING fts5(
    text, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1')`.execute(
    db,
  );
}

/**
 * Makes the indexes that only queries need, where they are missing: one a turn of the event loop, which
 * it holds for about a second for each million tasks. Kept up row by row from the start of a build they
 * would cost many times as much.
 */
export async function createIndexes(db: Kysely<never>, names: TaskTableNames): Promise<void> {
  const { schema } = db;
  for (const column of ['created_at', 'updated_at', 'priority', 'name']) {
    await schema
      .createIndex(`${names.task}_by_${column}`)
      .ifNotExists()
      .on(names.task)
      .columns(['group_id', column])
      .execute();
    await nextTurn();
  }
  for (const [column, first] of [
    ['completed_at', 'group_id'],
    ['paused_at', 'group_id'],
    ['claim_id', undefined],
    ['due_at', undefined],
  ] as const) {
    await schema
      .createIndex(`${names.task}_by_${column}`)
      .ifNotExists()
      .on(names.task)
      .columns(first ? [first, column] : [column])
      .where(sql.ref(column), 'is not', null)
      .execute();
    await nextTurn();
  }
}

const ROWS_A_STEP = 400;

/** Empties the tables piece by piece and drops them when they are empty; true when they are gone. */
export function dropStep(db: Database, names: TaskTableNames): boolean {
  const exists = db.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?');
  const large: readonly [string, string][] = [
    [names.task, 'seq'],
    [names.payload, 'seq'],
    [names.tag, '(tag, group_id, created_at, seq)'],
    [names.text, 'rowid'],
  ];
  for (const [table, key] of large) {
    if (!exists.get(table)) continue;
    const columns = key.replaceAll(/[()]/g, '');
    const removed = db
      .prepare(
        `DELETE FROM ${table} WHERE ${key} IN (SELECT ${columns} FROM ${table} LIMIT ${ROWS_A_STEP})`,
      )
      .run();
    if (removed.changes > 0) return false;
    db.exec(`DROP TABLE ${table}`);
  }
  for (const table of [names.group, names.queue, names.due]) {
    db.exec(`DROP TABLE IF EXISTS ${table}`);
  }
  return true;
}
