/** Runs named, versioned, checkpointed readers of the log. */
export { backoffMs } from './backoff.js';
export { EventFailed, failureOf } from './views/event-failed.js';
export { Ownership, type Term } from './ownership.js';
export type { WaitOutcome } from './views/position-waiters.js';
export { CheckpointMoved } from './processor.js';
export type { Processor, ProcessorBatch, ProcessorStatus } from './processor.js';
export { ProcessorRunner } from './processor-runner.js';
export { On, OnDue, TaskSaga } from './sagas/saga.js';
export type { DueTimer, SagaEvent, SagaOptions } from './sagas/saga.js';
export type { ProcessorRun } from './processor-run.js';
export { TimerQueue } from './timers/timer-queue.port.js';
export type { DueTask, TimerPlace } from './timers/timer-queue.port.js';
export { Timers } from './timers/timers.js';
export { Projection } from './views/view.js';
export type { ProjectionOptions, View, ViewTables } from './views/view.js';
export { Publishers, TryLater } from './handlers/processor-handler.js';
export type { ProcessorHandler, PublisherSource } from './handlers/processor-handler.js';
