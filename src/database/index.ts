/** The views' connection and what all views share in it. */
export type { ViewGenerationTable, ViewsSchema } from './migrations.js';
export { isCorruption, isFileTrouble, ViewsFromNewerRelease } from './views-database.errors.js';
export { ViewsDatabase } from './views-database.js';
export type { Database, Statement } from '@taskmanager/sqlite-driver';
