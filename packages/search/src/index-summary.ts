/** What an index holds, in figures. */
import type { Database } from '@taskmanager/sqlite-driver';

/** What an index holds, and what the task that made it so had to do. */
export interface IndexSummary {
  readonly files: number;
  readonly lines: number;
  readonly bytes: number;
  readonly binary: number;
  readonly large: number;
  readonly symbols: number;
  readonly languages: Readonly<Record<string, { readonly files: number; readonly lines: number }>>;
  /** Files that this task wrote, and took out. */
  readonly changed: number;
  readonly removed: number;
}

/** @param task whose work is counted */
export function summaryOf(database: Database, task: string): IndexSummary {
  const one = <T>(sql: string, ...values: string[]): T =>
    database.prepare<string[], T>(sql).get(...values) as T;
  const languages = database
    .prepare<[], { language: string; files: number; lines: number }>(
      `SELECT language, count(*) AS files, sum(lines) AS lines FROM files
       WHERE language IS NOT NULL GROUP BY language ORDER BY files DESC, language`,
    )
    .all();
  return {
    ...one<Pick<IndexSummary, 'files' | 'lines' | 'bytes' | 'binary' | 'large'>>(
      `SELECT count(*) AS files, coalesce(sum(lines), 0) AS lines, coalesce(sum(bytes), 0) AS bytes,
         coalesce(sum(kind = 'binary'), 0) AS binary, coalesce(sum(kind = 'large'), 0) AS large FROM files`,
    ),
    ...one<Pick<IndexSummary, 'symbols'>>('SELECT count(*) AS symbols FROM symbols'),
    languages: Object.fromEntries(
      languages.map(({ language, files, lines }) => [language, { files, lines }]),
    ),
    ...one<Pick<IndexSummary, 'changed'>>(
      'SELECT count(*) AS changed FROM files WHERE task = ?',
      task,
    ),
    ...one<Pick<IndexSummary, 'removed'>>('SELECT removed FROM runs'),
  };
}
