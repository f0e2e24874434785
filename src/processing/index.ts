/** Runs named, versioned, checkpointed readers of the log. */
export { backoffMs } from './backoff.js';
export type { WaitOutcome } from './position-waiters.js';
export { CheckpointMoved } from './processor.js';
export type { Processor, ProcessorBatch, ProcessorStatus } from './processor.js';
export { ProcessorRunner } from './processor-runner.js';
export { Projection } from './view.js';
export type { ProjectionOptions, View, ViewTables } from './view.js';
