import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnsupportedError } from '@eventstore/db-client';
import { LogUnavailable } from '../event-log.errors.js';
import { failureOf } from './call-failure.js';
import { PortEvents } from './event-form.js';
import { EventPages } from './event-pages.js';
import {
  namesOf,
  tuningOf,
  type EventStoreDbOptions,
  type EventStoreDbTuning,
  type Tell,
} from './eventstoredb-options.js';
import { LogAppends } from './log-appends.js';
import { LogHead } from './log-head.js';
import { LogMarks } from './log-marks.js';
import { LogTail } from './log-tail.js';
import { ServerLink } from './server-link.js';
import { Shared } from './shared.js';
import { SmallStream } from './small-stream.js';
import { StreamNames } from './stream-names.js';
import { StreamPages } from './stream-pages.js';
import { within } from './time-limit.js';

const connections = new Shared<LogConnection>((connection) => connection.end());
const RETRY_MS = 1_000;
/** It tells a subscription when it has caught up; older ones do not. */
const OLDEST_SERVER = [23, 10] as const;

/**
 * One log in a cluster, of which a process has one however many adapters use it: they share the live
 * subscription, what it keeps in memory, and what is known of the log's end.
 */
export class LogConnection {
  readonly names: StreamNames;
  readonly recorded: PortEvents;
  readonly head: LogHead;
  readonly streams: StreamPages;
  readonly pages: EventPages;
  readonly tail: LogTail;
  readonly appends: LogAppends;
  private readonly marks: LogMarks;

  private constructor(
    private readonly key: string,
    readonly link: ServerLink,
    readonly logId: string,
    readonly tuning: EventStoreDbTuning,
    tell: Tell,
  ) {
    const names = (this.names = new StreamNames(tuning.streamPrefix));
    const recorded = (this.recorded = new PortEvents(logId, names));
    const head = (this.head = new LogHead(link, names));
    this.marks = new LogMarks(link, names, tuning.checkpointsBeforeMark);
    this.streams = new StreamPages(link, names, recorded);
    this.pages = new EventPages(link, names, recorded, head, tuning.searchWindow);
    this.tail = new LogTail(link, names, recorded, head, this.marks, tuning, tell);
    this.appends = new LogAppends(link, names, recorded, head, this.tail, this.streams);
  }

  /**
   * Waits for a log that is away, telling why, as long as `startTimeoutMs`; then, and when the server
   * is too old, rejects with LogUnavailable. Each that opens it gives it back with `close`; the first
   * one is told later too, when the log is away for longer.
   */
  static open(options: EventStoreDbOptions, tell: Tell = () => undefined): Promise<LogConnection> {
    const key = JSON.stringify(options);
    return connections.acquire(key, async () => {
      const tuning = tuningOf(options);
      const link = await ServerLink.open(options.server, tuning);
      try {
        const logId = await whenThere(tuning.startTimeoutMs, tell, () => identify(link, tuning));
        return new LogConnection(key, link, logId, tuning, tell);
      } catch (error) {
        await link.close();
        const cause = error instanceof LogUnavailable ? (error.cause ?? error) : error;
        const reason = failureOf(cause).reason;
        throw new LogUnavailable(`EventStoreDB at ${namesOf(options.server)}: ${reason}`, false, {
          cause,
        });
      }
    });
  }

  close(): Promise<void> {
    return connections.release(this.key);
  }

  async end(): Promise<void> {
    await this.marks.close();
    await this.tail.close();
    this.pages.close();
    await this.link.close();
  }
}

async function whenThere<T>(ms: number, tell: Tell, ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + ms;
  for (let told = ''; ;) {
    try {
      return await ask();
    } catch (error) {
      const { reason, passing } = failureOf(error instanceof LogUnavailable ? error.cause : error);
      if (!passing || performance.now() + RETRY_MS > until) throw error;
      if (reason !== told) tell(reason);
      told = reason;
      await sleep(RETRY_MS);
    }
  }
}

/** Which log this is: whoever comes first says so, for all times. */
async function identify(link: ServerLink, { streamPrefix }: EventStoreDbTuning): Promise<string> {
  await refuseOldServer(link);
  const { identity } = new StreamNames(streamPrefix);
  const stream = new SmallStream<{ readonly id: string }>(link, identity, 'LogCreated');
  const id = randomBytes(4).toString('hex');
  return stream.change((log) => (log ? { answer: log.id } : { write: { id }, answer: id }));
}

async function refuseOldServer(link: ServerLink): Promise<void> {
  const version = await link.read(({ client }, ms) => within(ms, client.serverVersion()));
  const [major = NaN, minor = NaN] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_SERVER;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    const needed = OLDEST_SERVER.join('.');
    throw new UnsupportedError(
      `EventStoreDB ${version} does not tell when a subscription has caught up, and`,
      needed,
    );
  }
}
