import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { TaskManager } from '../task-manager.js';
import { TaskWorker } from '../worker/task-worker.js';
import type { TaskWorkerOptions } from '../worker/worker-options.js';
import { findHandlers } from './found-handlers.js';
import { nestLog } from './nest-log.js';

export interface TaskWorkerModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly useFactory: FactoryProvider<
    TaskWorkerOptions | Promise<TaskWorkerOptions>
  >['useFactory'];
  readonly inject?: FactoryProvider['inject'];
}

const OPTIONS = Symbol('TaskWorkerModule options');

/**
 * The application's worker: runs tasks by its classes with `@TaskHandler`, over the client of
 * TaskManagerModule. It starts when every module is initialised.
 *
 * It stops in `onModuleDestroy`, the first of the hooks with which an application closes: what its handlers
 * need has to last until then, and closes itself in `beforeApplicationShutdown` or `onApplicationShutdown`,
 * as the client does. Nest calls the `onModuleDestroy` of some modules before that of this one.
 */
@Module({})
export class TaskWorkerModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(TaskWorker) private readonly worker: TaskWorker,
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
  ) {}

  static forRoot(options: TaskWorkerOptions = {}): DynamicModule {
    return TaskWorkerModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync({
    imports = [],
    inject = [],
    useFactory,
  }: TaskWorkerModuleAsyncOptions): DynamicModule {
    return {
      module: TaskWorkerModule,
      imports: [DiscoveryModule, ...imports],
      providers: [
        { provide: OPTIONS, inject, useFactory },
        {
          provide: TaskWorker,
          inject: [TaskManager, OPTIONS],
          useFactory: (client: TaskManager, options: TaskWorkerOptions) =>
            new TaskWorker(client, { log: nestLog(), ...options }),
        },
      ],
      exports: [TaskWorker],
    };
  }

  /** @throws Error when the application's handlers are not in order, see {@link findHandlers} */
  onApplicationBootstrap(): void {
    for (const { taskType, handler, ...options } of findHandlers(this.discovery)) {
      this.worker.handle(taskType, handler, options);
    }
    this.worker.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.worker.stop();
  }
}
