/**
 * For NestJS programs: `imports: [TaskManagerModule.forRoot({ … })]`, then inject `TaskManager`; and
 * `TaskWorkerModule.forRoot()` beside it, to run tasks by classes with `@TaskHandler`.
 */
export { TaskManager } from '../task-manager.js';
export {
  TaskManagerModule,
  type TaskManagerModuleAsyncOptions,
  type TaskManagerModuleOptions,
} from './task-manager.module.js';
export { TaskHandler } from './task-handler.decorator.js';
export { TaskWorkerModule, type TaskWorkerModuleAsyncOptions } from './task-worker.module.js';
