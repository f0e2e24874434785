/** Where the log lies and how much of the machine it may take. Only `file` has to be said. */
export interface SqliteEventStoreOptions {
  /** The log's file, e.g. `data/log.db`; created when missing, its folder must exist. */
  readonly file: string;
  /** Writes that wait for a flush; past this many a write is refused at once. */
  readonly maxQueuedWrites?: number;
  /** Text that waits for a flush, in characters. */
  readonly maxQueuedChars?: number;
  /** Writes that share one commit at most, so that a flush never holds the event loop for long. */
  readonly maxFlushWrites?: number;
  /** Text that shares one commit at most, in characters. */
  readonly maxFlushChars?: number;
  /** How long a write waits while other processes hold the file, in milliseconds. */
  readonly busyLimitMs?: number;
  /** How often appends of other processes are looked for while somebody is subscribed. */
  readonly pollMs?: number;
  /** Newest events kept in memory for live subscribers: how many, and how many characters. */
  readonly recentEvents?: number;
  readonly recentChars?: number;
  /** Streams whose last revision is remembered. */
  readonly cachedHeads?: number;
  /** SQLite's page cache, in KiB. */
  readonly pageCacheKiB?: number;
  /** Pages in the WAL after which a commit moves them into the file: few, so that no commit takes long. */
  readonly walCheckpointPages?: number;
}

/** Plain data: the thread that writes gets them too. */
export type SqliteSettings = Required<SqliteEventStoreOptions>;

const DEFAULTS = {
  maxQueuedWrites: 10_000,
  maxQueuedChars: 64 * 1024 * 1024,
  maxFlushWrites: 512,
  maxFlushChars: 8 * 1024 * 1024,
  busyLimitMs: 5_000,
  pollMs: 50,
  recentEvents: 10_000,
  recentChars: 16 * 1024 * 1024,
  cachedHeads: 50_000,
  pageCacheKiB: 16 * 1024,
  walCheckpointPages: 4_000,
} as const;

export function settingsOf(options: SqliteEventStoreOptions): SqliteSettings {
  return { ...DEFAULTS, ...options };
}
