import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Environment } from './environment.js';
import { type EventStoreDbSettings, readEventStoreDb } from './eventstoredb-settings.js';
import { type NatsSettings, readNats } from './nats-settings.js';
import { readRetention, type RetentionSettings } from './retention-settings.js';
import { readTcp, type TcpSettings } from './tcp-settings.js';
import { VARIABLES } from './variables.js';
import { readWorkers, type WorkersSettings } from './workers-settings.js';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * How this process is set up, read once when it starts. Holds secrets: it is never logged as a whole.
 */
export class Settings {
  readonly dataDir: string;
  readonly backupDir: string;
  readonly eventStore: 'sqlite' | 'eventstoredb';
  readonly logWriterThread: boolean;
  /** Undefined: the log is not in a cluster. */
  readonly eventStoreDb: EventStoreDbSettings | undefined;
  /** Path of the token file; it is read again when it changes. */
  readonly authFile: string | undefined;
  readonly tcp: TcpSettings;
  /** Undefined: NATS is off. */
  readonly nats: NatsSettings | undefined;
  /** Path of the file of webhooks; undefined: there are none. */
  readonly endpointsFile: string | undefined;
  /** Undefined: nothing is deleted by itself. */
  readonly retention: RetentionSettings | undefined;
  readonly workers: WorkersSettings;
  /** One log line for each event. */
  readonly logEvents: boolean;
  readonly limits: {
    readonly inFlight: number;
    readonly inFlightPerConnection: number;
    readonly waiting: number;
  };
  readonly processorLeaseMs: number;
  readonly leaseGraceMs: number;
  readonly shutdownTimeoutMs: number;
  readonly logLevel: LogLevel;

  /** @throws SettingError naming the first variable that is wrong */
  constructor(variables: Readonly<Record<string, string | undefined>>) {
    const env = new Environment(variables);
    this.dataDir = resolve(env.text(VARIABLES.dataDir));
    this.backupDir = resolve(env.text(VARIABLES.backupDir));
    this.eventStore = env.oneOf(VARIABLES.eventStore, ['sqlite', 'eventstoredb']);
    const thread = env.oneOf(VARIABLES.logWriterThread, ['auto', 'true', 'false']);
    this.logWriterThread = thread === 'auto' ? availableParallelism() >= 4 : thread === 'true';
    this.eventStoreDb = this.eventStore === 'eventstoredb' ? readEventStoreDb(env) : undefined;
    this.authFile = env.optional(VARIABLES.authFile);
    this.tcp = readTcp(env, this.authFile !== undefined);
    this.nats = env.optional(VARIABLES.natsUrl) === undefined ? undefined : readNats(env);
    this.endpointsFile = env.optional(VARIABLES.endpointsFile);
    this.retention = readRetention(env);
    this.workers = readWorkers(env, {
      dataDir: this.dataDir,
      tcp: this.tcp,
      usesNats: this.nats !== undefined,
      usesTokens: this.authFile !== undefined,
    });
    this.logEvents = env.flag(VARIABLES.logEvents);
    this.limits = {
      inFlight: env.number(VARIABLES.inFlight),
      inFlightPerConnection: env.number(VARIABLES.inFlightPerConnection),
      waiting: env.number(VARIABLES.waiting),
    };
    this.processorLeaseMs = env.number(VARIABLES.processorLeaseMs);
    this.leaseGraceMs = env.number(VARIABLES.leaseGraceMs);
    this.shutdownTimeoutMs = env.number(VARIABLES.shutdownTimeoutMs);
    this.logLevel = env.oneOf(VARIABLES.logLevel, LOG_LEVELS);
  }
}
