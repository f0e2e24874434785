/** The facts: event classes, their stable names, their stored form and its hash chain. */
export * from './admin-events.js';
export * from './chain-ends.js';
export * from './deadlines.js';
export * from './event-metadata.js';
export * from './event-registry.js';
export * from './feed-event.js';
export * from './hash-chain.js';
export * from './import-events.js';
export * from './refusal-events.js';
export * from './stored-event.js';
export * from './task-event.js';
export * from './task-events.js';
export * from './task-timer.js';
export * from './task-type-events.js';
