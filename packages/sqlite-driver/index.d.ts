import BetterSqlite3 from 'better-sqlite3';

export default BetterSqlite3;
export type Database = BetterSqlite3.Database;
export type Options = BetterSqlite3.Options;
export type Statement<
  Parameters extends unknown[] | object = unknown[],
  Result = unknown,
> = BetterSqlite3.Statement<Parameters, Result>;
