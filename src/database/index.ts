/** The views' connection and what all views share in it. */
export type { ViewGenerationTable, ViewParkedTable, ViewsSchema } from './migrations.js';
export {
  isCorruption,
  isDatabaseError,
  isFileTrouble,
  ViewsFromNewerRelease,
} from './views-database.errors.js';
export { ViewsDatabase } from './views-database.js';
export type { Database, Statement } from '@taskmanager/sqlite-driver';
