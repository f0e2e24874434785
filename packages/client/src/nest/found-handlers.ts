import type { DiscoveryService } from '@nestjs/core';
import type { TaskHandler } from '../worker/running-task.js';
import { type HandledType, handledBy } from './task-handler.decorator.js';

/** A decorated class of the application, and its one instance. */
export interface FoundHandler extends HandledType {
  readonly handler: TaskHandler;
  /** Where it was found, for messages. */
  readonly place: string;
}

/**
 * The handlers among the application's providers.
 *
 * @throws Error for a class that cannot be one, two of one type, and none at all: what to do is in its words
 */
export function findHandlers(discovery: DiscoveryService): readonly FoundHandler[] {
  const found = new Map<string, FoundHandler>();
  for (const wrapper of discovery.getProviders()) {
    if (wrapper.isAlias) continue;
    const instance = wrapper.instance as { constructor?: object; handle?: unknown } | null;
    const type = (instance?.constructor ?? wrapper.metatype ?? {}) as { readonly name?: string };
    for (const handled of handledBy(type)) {
      const place = `${type.name} in ${wrapper.host?.name ?? 'a module'}`;
      const before = found.get(handled.taskType);
      if (before) {
        throw new Error(
          `Two handlers of the task type ${handled.taskType}: ${before.place}, and ${place}. One type has one handler; a class is a provider of one module.`,
        );
      }
      if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) {
        throw new Error(
          `@TaskHandler('${handled.taskType}') ${place} is no singleton, it or what it injects: a task is no request. Take the scope away.`,
        );
      }
      if (typeof instance?.handle !== 'function') {
        throw new Error(
          `@TaskHandler('${handled.taskType}') ${place} has no method handle(task): it does the work.`,
        );
      }
      const handler = (instance.handle as TaskHandler).bind(instance);
      found.set(handled.taskType, { ...handled, handler, place });
    }
  }
  if (found.size > 0) return [...found.values()];
  throw new Error(
    'TaskWorkerModule found no handler. Decorate an injectable class with @TaskHandler(type) and name it among the providers of a module of this application.',
  );
}
