/** The ports of the event store; adapters are picked in `event-store.module.ts` and nowhere else. */
export * from './describe-event.js';
export * from './event-log.errors.js';
export * from './event-log.port.js';
export * from './log-reader.js';
export * from './patience.js';
export * from './log-files.port.js';
export * from './processor-store.port.js';
export * from './stream-pages.js';
