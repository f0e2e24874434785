import type { Json } from '@taskmanager/protocol';
import type { RunningTask } from '../worker/running-task.js';
import type { HandlerOptions } from '../worker/worker-options.js';

/** What one `@TaskHandler` says of its class. */
export interface HandledType extends HandlerOptions {
  readonly taskType: string;
}

/** Handlers with any input: what a task was created with, nobody has checked. */
type HandlerClass = abstract new (...args: never[]) => {
  handle(task: RunningTask<never>): Promise<Json | void> | Json | void;
};

const HANDLED = new WeakMap<object, readonly HandledType[]>();

/**
 * The injectable class does the work of this task type: its `handle(task)` is a handler of the application's
 * worker, see TaskWorkerModule. Given several times, it does the work of several types.
 */
export function TaskHandler(taskType: string, options: HandlerOptions = {}) {
  return (target: HandlerClass): void => {
    HANDLED.set(target, [...handledBy(target), { taskType, ...options }]);
  };
}

/** The types that a class was decorated with, itself and not a class that it extends. */
export function handledBy(target: object): readonly HandledType[] {
  return HANDLED.get(target) ?? [];
}
