/** Runs named, versioned, checkpointed readers of the log. */
export { backoffMs } from './backoff.js';
export { EventFailed, failureOf } from './event-failed.js';
export { Ownership, type Term } from './ownership.js';
export type { WaitOutcome } from './position-waiters.js';
export { CheckpointMoved } from './processor.js';
export type { Processor, ProcessorBatch, ProcessorStatus } from './processor.js';
export { ProcessorRunner } from './processor-runner.js';
export { On, OnDue, TaskSaga } from './saga.js';
export type { DueTimer, SagaEvent, SagaOptions } from './saga.js';
export type { ProcessorRun } from './processor-run.js';
export { TimerQueue } from './timer-queue.port.js';
export type { DueTask, TimerPlace } from './timer-queue.port.js';
export { Timers } from './timers.js';
export { Projection } from './view.js';
export type { ProjectionOptions, View, ViewTables } from './view.js';
export { Publishers, TryLater } from './processor-handler.js';
export type { ProcessorHandler, PublisherSource } from './processor-handler.js';
