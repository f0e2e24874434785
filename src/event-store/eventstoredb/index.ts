/** The event store for many machines: `LogConnection.open`, then a log and a processor store on it. */
export { EventStoreDbEventLog } from './eventstoredb-event-log.js';
export type { EventStoreDbOptions, ServerAddress } from './eventstoredb-options.js';
export { EventStoreDbProcessorStore } from './eventstoredb-processor-store.js';
export { LogConnection } from './log-connection.js';
