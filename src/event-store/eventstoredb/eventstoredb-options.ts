/** Which node of a cluster is asked. Only the leader has what was acknowledged a moment ago. */
export type NodePreference = 'leader' | 'follower' | 'random' | 'read_only_replica';

/** How to reach the cluster. It holds secrets: it is never shown as a whole, see `namesOf`. */
export interface ServerAddress {
  readonly hosts: readonly { readonly address: string; readonly port: number }[];
  /** Ask the first host for the members of the cluster even when it is the only one. */
  readonly discover: boolean;
  /** PEM texts; undefined: no TLS, and then no login either, for the client would not send it. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly login?: { readonly username: string; readonly password: string };
  readonly nodePreference: NodePreference;
  readonly keepAliveMs: number;
  readonly keepAliveTimeoutMs: number;
  /** How this program is called in the server's logs. */
  readonly connectionName: string;
}

/** Where the log lies and how much it may take. Only `server` has to be said. */
export interface EventStoreDbOptions {
  readonly server: ServerAddress;
  /** Begins every stream of this log in the cluster, e.g. `taskmanager.`. */
  readonly streamPrefix?: string;
  /** How long an append or a read may take, with all that is tried again, in milliseconds. */
  readonly timeoutMs?: number;
  /** How long opening waits for a log that is away, in milliseconds. */
  readonly startTimeoutMs?: number;
  /** Appends on their way at once; more wait. */
  readonly maxAppends?: number;
  /** Reads on their way at once; a connection carries 100 calls, subscriptions and the one for appends among them. */
  readonly maxReads?: number;
  /** Calls that wait; past this many a call is refused at once. */
  readonly maxQueued?: number;
  /** Text that waits to be appended, in characters. */
  readonly maxQueuedChars?: number;
  /** Newest events kept in memory for live subscribers: how many, and how many characters. */
  readonly recentEvents?: number;
  readonly recentChars?: number;
  /** Events of others that the server looks at between two of its checkpoints. */
  readonly searchWindow?: number;
  /** Checkpoints without an event of this log, after which its position is moved over them. */
  readonly checkpointsBeforeMark?: number;
  /** No answer to any call for this long, and the client is thrown away and made anew. */
  readonly silenceMs?: number;
}

/** Told each new reason for which the log is waited for. */
export type Tell = (reason: string) => void;

export type EventStoreDbTuning = Required<Omit<EventStoreDbOptions, 'server'>>;

const DEFAULTS: EventStoreDbTuning = {
  streamPrefix: 'taskmanager.',
  timeoutMs: 5_000,
  startTimeoutMs: 60_000,
  maxAppends: 256,
  maxReads: 48,
  maxQueued: 10_000,
  maxQueuedChars: 64 * 1024 * 1024,
  recentEvents: 10_000,
  recentChars: 16 * 1024 * 1024,
  searchWindow: 500,
  checkpointsBeforeMark: 4,
  silenceMs: 15_000,
};

export function tuningOf({ server: _, ...given }: EventStoreDbOptions): EventStoreDbTuning {
  return { ...DEFAULTS, ...given };
}

/** Where the log lies, without its secrets: for messages. */
export function namesOf({ hosts }: ServerAddress): string {
  return hosts.map(({ address, port }) => `${address}:${port}`).join(', ');
}
