import BetterSqlite3 from 'better-sqlite3';

export default BetterSqlite3;
export type Database = BetterSqlite3.Database;
export type Options = BetterSqlite3.Options;
export type Statement<
  Parameters extends unknown[] | object = unknown[],
  Result = unknown,
> = BetterSqlite3.Statement<Parameters, Result>;

/**
 * Puts the file into WAL mode, if it is not yet. Of several connections that begin on one new file SQLite
 * refuses all but one at once, whatever their busy timeout: this waits for as long as that says.
 */
export function useWal(database: BetterSqlite3.Database): void;
