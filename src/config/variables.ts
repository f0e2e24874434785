import { LIMITS } from '@taskmanager/protocol';
import { delimiter } from 'node:path';

/** One environment variable: the only place that says its name, meaning, form and default. */
export interface Variable {
  readonly name: string;
  readonly meaning: string;
  /** What is allowed, for people; shown when the value is wrong. */
  readonly allowed: string;
  /** Used when the variable is missing or empty; none: the feature is off. */
  readonly fallback?: string;
  /** Its value is never shown, not even when it is wrong. */
  readonly secret?: true;
}

const text = (name: string, meaning: string, allowed: string, fallback?: string): Variable => ({
  name,
  meaning,
  allowed,
  ...(fallback === undefined ? {} : { fallback }),
});

const file = (name: string, meaning: string): Variable => text(name, meaning, 'a readable file');

const secret = (name: string, meaning: string): Variable => ({
  ...text(name, meaning, 'text'),
  secret: true,
});

const number = (name: string, meaning: string, min: number, max: number, fallback: number) =>
  text(name, meaning, `a whole number from ${min} to ${max}`, String(fallback));

/** The range of a variable made by `number`, read back from what it says is allowed. */
export function rangeOf(variable: Variable): readonly [min: number, max: number] {
  const [min = Number.NaN, max = Number.NaN] = (variable.allowed.match(/\d+/g) ?? []).map(Number);
  return [min, max];
}

/** Every setting of the service, in the order in which `--help` and the docs print them. */
export const VARIABLES = {
  dataDir: text('DATA_DIR', 'where the event log and the views lie', 'a folder', './data'),
  eventStore: text(
    'EVENT_STORE',
    'which event store keeps the log',
    'sqlite (a file in DATA_DIR) or eventstoredb (a cluster, for more than one machine)',
    'sqlite',
  ),
  backupDir: text(
    'BACKUP_DIR',
    'where tasks.admin.backup puts its folders; best on another disk',
    'a folder',
    './backups',
  ),
  logWriterThread: text(
    'LOG_WRITER_THREAD',
    'whether a thread of its own writes the log in DATA_DIR, so that nothing else waits for the disk',
    'true, false or auto (true with four processors or more)',
    'auto',
  ),
  processorLeaseMs: number(
    'PROCESSOR_LEASE_MS',
    'after how long without a sign of life another process on the same log runs sagas, timers and publishers',
    500,
    600_000,
    5_000,
  ),
  leaseGraceMs: number(
    'LEASE_GRACE_MS',
    'how long after a start or a take-over no worker loses its lease, so that those that live can renew what ran out meanwhile',
    0,
    600_000,
    10_000,
  ),
  eventStoreDbUrl: {
    ...text(
      'EVENTSTOREDB_URL',
      'where the cluster is; needed by EVENT_STORE=eventstoredb',
      'esdb://[user:password@]host:port[,host:port] or esdb+discover://host:port, ?tls=false for one without TLS',
    ),
    secret: true,
  },
  eventStoreDbUsername: text('EVENTSTOREDB_USERNAME', 'user name at the cluster', 'text'),
  eventStoreDbPassword: secret('EVENTSTOREDB_PASSWORD', 'its password'),
  eventStoreDbPasswordFile: file('EVENTSTOREDB_PASSWORD_FILE', 'its password, in a file'),
  eventStoreDbTlsCaFile: file(
    'EVENTSTOREDB_TLS_CA_FILE',
    'who signs the cluster’s certificates (PEM), if not one of the usual',
  ),
  eventStoreDbNodePreference: text(
    'EVENTSTOREDB_NODE_PREFERENCE',
    'which node of the cluster is asked; all but the leader may lag behind',
    'leader, follower, random or read_only_replica',
    'leader',
  ),
  eventStoreDbStreamPrefix: text(
    'EVENTSTOREDB_STREAM_PREFIX',
    'begins the name of each stream in the cluster, so that other programs’ streams are left alone',
    'letters, digits, dots, hyphens and underscores',
    'taskmanager.',
  ),
  eventStoreDbTimeoutMs: number(
    'EVENTSTOREDB_TIMEOUT_MS',
    'how long an append or a read may take with all that is tried again',
    100,
    600_000,
    5_000,
  ),
  eventStoreDbStartTimeoutMs: number(
    'EVENTSTOREDB_START_TIMEOUT_MS',
    'how long a start waits for a cluster that is away before it gives up',
    0,
    3_600_000,
    60_000,
  ),
  eventStoreDbKeepAliveMs: number(
    'EVENTSTOREDB_KEEP_ALIVE_MS',
    'how often a connection in use is tried',
    10_000,
    3_600_000,
    10_000,
  ),
  eventStoreDbKeepAliveTimeoutMs: number(
    'EVENTSTOREDB_KEEP_ALIVE_TIMEOUT_MS',
    'after how long without an answer to that it is given up',
    1_000,
    3_600_000,
    10_000,
  ),
  authFile: file(
    'AUTH_FILE',
    'JSON: SHA-256 of a token → { id, roles, apps? }; without it whoever connects is believed',
  ),
  tcpHost: text(
    'TCP_HOST',
    'address to listen on; without AUTH_FILE loopback only',
    'an address',
    '127.0.0.1',
  ),
  tcpPort: number('TCP_PORT', 'port to listen on; 0 picks a free one', 0, 65_535, 4010),
  tcpTlsCert: file('TCP_TLS_CERT', 'certificate chain (PEM); turns TLS on for TCP'),
  tcpTlsKey: file('TCP_TLS_KEY', 'its private key (PEM)'),
  tcpTlsCa: file('TCP_TLS_CA', 'who signs client certificates (PEM)'),
  tcpTlsClientCert: text(
    'TCP_TLS_CLIENT_CERT',
    'clients must show a certificate',
    'true or false',
    'false',
  ),
  tcpMaxConnections: number(
    'TCP_MAX_CONNECTIONS',
    'connections at once; more are closed',
    1,
    100_000,
    2_000,
  ),
  tcpFrameTimeoutMs: number(
    'TCP_FRAME_TIMEOUT_MS',
    'time from the first byte of a request to its last; slower connections are closed',
    100,
    600_000,
    30_000,
  ),
  natsUrl: text(
    'NATS_URL',
    'brokers, with commas between; turns NATS on',
    'nats://host:port or tls://host:port, without user or password',
  ),
  natsQueue: text(
    'NATS_QUEUE',
    'queue group that replicas share',
    'a name without dots and blanks',
    'taskmanager',
  ),
  natsEvents: text(
    'NATS_EVENTS',
    'whether events are published on tasks.event.>',
    'true or false',
    'true',
  ),
  natsUser: text('NATS_USER', 'user name at the broker', 'text'),
  natsPassword: secret('NATS_PASSWORD', 'its password'),
  natsToken: secret('NATS_TOKEN', 'token at the broker'),
  natsNkeyFile: file('NATS_NKEY_FILE', 'nkey seed'),
  natsCredsFile: file('NATS_CREDS_FILE', 'credentials file (JWT and seed)'),
  natsTlsCa: file('NATS_TLS_CA', 'who signs the broker’s certificate (PEM); turns TLS on for NATS'),
  natsTlsCert: file('NATS_TLS_CERT', 'certificate to show to the broker (PEM)'),
  natsTlsKey: file('NATS_TLS_KEY', 'its private key (PEM)'),
  endpointsFile: file(
    'ENDPOINTS_FILE',
    'JSON: webhooks, and which of them approvers are told by; read at the start',
  ),
  workers: text(
    'WORKERS',
    'whether a process of the workers that come with TaskManager starts and stops with the service',
    'auto (when only this machine reaches the service), on or off',
    'auto',
  ),
  workersToken: secret(
    'WORKERS_TOKEN',
    'the token that they show: one of AUTH_FILE whose actor has the role worker',
  ),
  workerRoots: text(
    'WORKER_ROOTS',
    'below which folders their tasks may read and write; work in DATA_DIR when missing',
    `folders, with ${delimiter} between`,
  ),
  logEvents: text(
    'LOG_EVENTS',
    'one log line for each event, for development',
    'true or false',
    'false',
  ),
  retentionFile: file(
    'RETENTION_FILE',
    'JSON: { everyMs?, rules: [{ maxAgeMs, taskTypes?, appName?, statuses? }] }: tasks that ended so long ago are deleted; read at the start',
  ),
  inFlight: number(
    'MAX_IN_FLIGHT',
    'requests worked on at once; more are refused as OVERLOADED',
    1,
    100_000,
    LIMITS.inFlightPerProcess,
  ),
  inFlightPerConnection: number(
    'MAX_IN_FLIGHT_PER_CONNECTION',
    'the same for each TCP connection',
    1,
    100_000,
    LIMITS.inFlightPerConnection,
  ),
  waiting: number(
    'MAX_WAITING',
    'claims and feeds that wait at once',
    1,
    1_000_000,
    LIMITS.waiting,
  ),
  shutdownTimeoutMs: number(
    'SHUTDOWN_TIMEOUT_MS',
    'how long a stop waits for requests in flight',
    0,
    600_000,
    10_000,
  ),
  logLevel: text('LOG_LEVEL', 'how much is logged', 'error, warn, info or debug', 'info'),
} as const satisfies Record<string, Variable>;
