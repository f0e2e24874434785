/** The embedded event store: `LogFile.open`, then a log and a processor store on that one file. */
export { LogFile } from './log-file.js';
export { SqliteEventLog } from './sqlite-event-log.js';
export { SqliteLogFiles } from './sqlite-log-files.js';
export type { SqliteEventStoreOptions } from './sqlite-options.js';
export { SqliteProcessorStore } from './sqlite-processor-store.js';
