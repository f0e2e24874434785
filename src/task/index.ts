/** A task's state and how events change it. Plain TypeScript: no Nest, no I/O, no clock. */
export * from './approval.js';
export * from './clocks.js';
export * from './evolve.js';
export * from './task.js';
export * from './failure.js';
export * from './retry-policy.js';
export * from './retried.js';
export * from './task-types.js';
export * from './timers.js';
