/** The ports of the event store; adapters are picked in `event-store.module.ts` and nowhere else. */
export * from './event-log.errors.js';
export * from './event-log.port.js';
export * from './log-files.port.js';
export * from './processor-store.port.js';
