import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { ConnectOptions } from '../options.js';
import { TaskManager } from '../task-manager.js';

export type TaskManagerModuleOptions = ConnectOptions & {
  /** Lets every module of the application inject it. On by default. */
  readonly global?: boolean;
};

export interface TaskManagerModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly useFactory: FactoryProvider<ConnectOptions | Promise<ConnectOptions>>['useFactory'];
  readonly inject?: FactoryProvider['inject'];
  readonly global?: boolean;
}

const OPTIONS = Symbol('TaskManagerModule options');

/**
 * One `TaskManager` for the application, closed with it. It connects with the first call unless
 * `lazy: false` says otherwise, so that programs and service may start in any order.
 */
@Module({})
export class TaskManagerModule implements OnApplicationShutdown {
  constructor(@Inject(TaskManager) private readonly client: TaskManager) {}

  static forRoot({ global, ...options }: TaskManagerModuleOptions): DynamicModule {
    return TaskManagerModule.forRootAsync({ global, useFactory: () => options });
  }

  static forRootAsync({
    global = true,
    imports = [],
    inject = [],
    useFactory,
  }: TaskManagerModuleAsyncOptions): DynamicModule {
    return {
      module: TaskManagerModule,
      global,
      imports,
      providers: [
        { provide: OPTIONS, inject, useFactory },
        {
          provide: TaskManager,
          inject: [OPTIONS],
          useFactory: (options: ConnectOptions) => TaskManager.connect({ lazy: true, ...options }),
        },
      ],
      exports: [TaskManager],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
  }
}
