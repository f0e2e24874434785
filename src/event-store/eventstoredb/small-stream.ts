import { randomUUID } from 'node:crypto';
import {
  BACKWARDS,
  END,
  StreamNotFoundError,
  WrongExpectedVersionError,
  type ResolvedEvent,
} from '@eventstore/db-client';
import { LogUnavailable } from '../event-log.errors.js';
import type { Revision } from '../event-log.port.js';
import { collect } from './collect.js';
import { fromClient, toClient } from './event-form.js';
import type { ServerLink } from './server-link.js';
import { pauseMs } from './time-limit.js';

const ATTEMPTS = 20;

interface Known<T> {
  readonly value: T | undefined;
  /** Undefined: there is no such stream. */
  readonly revision: Revision | undefined;
}

/** What becomes of a value: a new one, or none; and what is answered once that is durable. */
export interface Change<T, A> {
  readonly write?: T;
  readonly answer: A;
}

/**
 * A stream of the adapter's own whose last event is a value, changed by exact revision: of many who
 * change it at once each one sees what the one before made of it. Older events are of no use to
 * anybody, and the cluster may drop them.
 */
export class SmallStream<T extends object> {
  private remembered: Known<T> | undefined;

  /** @param type of its events, e.g. `Lease` */
  constructor(
    private readonly link: ServerLink,
    private readonly name: string,
    private readonly type: string,
  ) {}

  /** Rejects with LogUnavailable. */
  async read(): Promise<T | undefined> {
    return (await this.newest()).value;
  }

  /**
   * Decides on the newest value and writes what was decided, again from the beginning when somebody
   * else was faster. Rejects with LogUnavailable.
   */
  async change<A>(decide: (value: T | undefined) => Change<T, A>): Promise<A> {
    for (let conflicts = 0; conflicts < ATTEMPTS; conflicts += 1) {
      // What is remembered is enough to write on, for a write names the revision; it is not enough to
      // leave it at that.
      const { remembered } = this;
      let known = remembered ?? (await this.newest());
      let change = decide(known.value);
      if (change.write === undefined && remembered) {
        known = await this.newest();
        change = decide(known.value);
      }
      if (change.write === undefined) return change.answer;
      if (await this.write(known.revision, change.write)) return change.answer;
      await new Promise((resolve) => setTimeout(resolve, pauseMs(0) * Math.random()));
    }
    throw new LogUnavailable(`others change ${this.name} all the time`, false);
  }

  private async newest(): Promise<Known<T>> {
    const newest = await this.link.read(async (live, ms) => {
      let known: Known<T> = { value: undefined, revision: undefined };
      const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1 } as const;
      const stream = live.client.readStream(this.name, options);
      await collect<ResolvedEvent>(stream, live, ms, ({ event }) => {
        if (!event) return;
        known = { value: JSON.parse(fromClient(event).data) as T, revision: event.revision };
      }).catch((error: unknown) => {
        if (!(error instanceof StreamNotFoundError)) throw error;
      });
      return known;
    });
    this.remembered = newest;
    return newest;
  }

  /** False: somebody else has written meanwhile. */
  private async write(revision: Revision | undefined, value: T): Promise<boolean> {
    this.remembered = undefined;
    if (revision === undefined) await keepNewestOnly(this.link, this.name);
    const event = {
      id: randomUUID(),
      type: this.type,
      data: JSON.stringify(value),
      metadata: '{}',
    };
    try {
      const answer = await this.link.append(this.name, revision ?? 'no_stream', [toClient(event)]);
      this.remembered = { value, revision: answer.nextExpectedRevision };
      return true;
    } catch (error) {
      if (error instanceof WrongExpectedVersionError) return false;
      throw error;
    }
  }
}

/** Tells the cluster that only the last event of a stream is worth keeping. */
export async function keepNewestOnly(link: ServerLink, name: string): Promise<void> {
  const data = JSON.stringify({ $maxCount: 1 });
  const event = { id: randomUUID(), type: '$metadata', data, metadata: '{}' };
  try {
    await link.append(`$$${name}`, 'no_stream', [toClient(event)]);
  } catch (error) {
    // It was told before.
    if (!(error instanceof WrongExpectedVersionError)) throw error;
  }
}
