/** Settings: read once from the environment, checked, documented. */
export { Environment } from './environment.js';
export { ConfigModule } from './config.module.js';
export { ServiceLogger } from './service-logger.js';
export { SettingError } from './setting-error.js';
export { settingsHelp, settingsTable } from './settings-help.js';
export * from './settings.js';
export type { EventStoreDbSettings } from './eventstoredb-settings.js';
export { natsOptions } from './nats-options.js';
export type { NatsSettings } from './nats-settings.js';
export type { RetentionRule, RetentionSettings } from './retention-settings.js';
export type { TcpSettings } from './tcp-settings.js';
export type { WorkersSettings } from './workers-settings.js';
export { VARIABLES, type Variable } from './variables.js';
export { makeFolder } from './make-folder.js';
