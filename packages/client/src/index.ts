/** What a program installs to create, drive, watch and query tasks. */
export {
  type Actor,
  type Approval,
  type CommandAnswer,
  type CommandName,
  type ErrorCode,
  type FeedEvent,
  type FeedPage,
  type HistoryEvent,
  type HistoryPage,
  type Json,
  type PauseAllAnswer,
  type QueryName,
  type StatsAnswer,
  type TaskInfo,
  type TaskListFilter,
  type TaskPage,
  TaskStatus,
} from '@taskmanager/protocol';
export { type ClientErrorCode, TaskManagerError } from './errors.js';
export type { TaskListener, TaskListenerData, TaskListenerEvent } from './feed/task-listener.js';
export type {
  CommandOptions,
  ConnectOptions,
  NatsConnectOptions,
  QueryOptions,
  TcpConnectOptions,
} from './options.js';
export type { CreateTaskOptions } from './task-calls.js';
export { type ProgressOptions, type RemoveListener, TaskManager } from './task-manager.js';
export type { NatsCredentials } from './transport/nats.transport.js';
