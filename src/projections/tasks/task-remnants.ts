import type { Database } from '../../database/index.js';
import type { TaskTableNames } from './task-tables.js';

/**
 * Takes away whatever is left of a task whose row is gone, though nothing deleted it, and counts all
 * groups anew, for it was never counted off. Reads whole tables: about a second for each million tasks.
 */
export function clearRemnants(db: Database, names: TaskTableNames, seq: number): void {
  const { task, payload, tag, text, group, queue, due } = names;
  if (db.prepare(`SELECT 1 FROM ${task} WHERE seq = ?`).get(seq)) return;
  for (const table of [payload, tag, queue, due]) {
    db.prepare(`DELETE FROM ${table} WHERE seq = ?`).run(seq);
  }
  db.prepare(`DELETE FROM ${text} WHERE rowid = ?`).run(seq);
  db.exec(
    `UPDATE ${group} SET count = (SELECT count(*) FROM ${task} t WHERE t.group_id = ${group}.id)`,
  );
  db.exec(`DELETE FROM ${group} WHERE count = 0`);
}
