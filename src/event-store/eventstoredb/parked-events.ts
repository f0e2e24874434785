import { randomUUID } from 'node:crypto';
import {
  FORWARDS,
  StreamNotFoundError,
  WrongExpectedVersionError,
  type ResolvedEvent,
} from '@eventstore/db-client';
import type { Position } from '@taskmanager/protocol';
import { LogUnavailable } from '../event-log.errors.js';
import type { ParkedEvent, ParkedWish } from '../processor-store.port.js';
import { collect } from './collect.js';
import { fromClient, toClient } from './event-form.js';
import type { ServerLink } from './server-link.js';

const ATTEMPTS = 20;
const PAGE = 500;
/** So many events of a stream that lists nothing any more are forgotten together. */
const FORGET_AFTER = 100n;

/** What one event of the stream says: this is parked, or what lay at this position no longer is. */
type Entry = { readonly parked: ParkedEvent } | { readonly unparked: Position };

/**
 * The parked events of one processor: a stream of what was parked and taken back, folded, and read on
 * from where it was read last. Changes are made by exact revision, so that of two replicas which take
 * the same event back one is told that it was not parked.
 */
export class ParkedEvents {
  private readonly parked = new Map<Position, ParkedEvent>();
  private last = -1n;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly link: ServerLink,
    private readonly name: string,
  ) {}

  /** In log order. */
  list(): Promise<readonly ParkedEvent[]> {
    return this.inTurn(async () => {
      await this.readOn();
      return inOrder([...this.parked.values()]);
    });
  }

  /** Those of which something is wanted, in log order. */
  wanted(): Promise<readonly ParkedEvent[]> {
    return this.inTurn(async () => {
      await this.readOn();
      return inOrder([...this.parked.values()].filter(({ wanted }) => wanted));
    });
  }

  /** False when it is not parked. */
  want(position: Position, wanted: ParkedWish): Promise<boolean> {
    return this.change(() => {
      const parked = this.parked.get(position);
      return parked && { parked: { ...parked, wanted } };
    });
  }

  async park(event: ParkedEvent): Promise<void> {
    await this.change(() => ({ parked: event }));
  }

  /** False when it was not parked. */
  async unpark(position: Position): Promise<boolean> {
    const done = await this.change(() =>
      this.parked.has(position) ? { unparked: position } : undefined,
    );
    if (done) await this.inTurn(() => this.forget());
    return done;
  }

  private change(decide: () => Entry | undefined): Promise<boolean> {
    return this.inTurn(async () => {
      for (let conflicts = 0; conflicts < ATTEMPTS; conflicts += 1) {
        await this.readOn();
        const entry = decide();
        if (!entry) return false;
        if (await this.write(entry)) return true;
      }
      throw new LogUnavailable(`others change ${this.name} all the time`, false);
    });
  }

  private async write(entry: Entry): Promise<boolean> {
    const type = 'parked' in entry ? 'Parked' : 'Unparked';
    const event = { id: randomUUID(), type, data: JSON.stringify(entry), metadata: '{}' };
    const expected = this.last < 0n ? 'no_stream' : this.last;
    try {
      const { nextExpectedRevision } = await this.link.append(this.name, expected, [
        toClient(event),
      ]);
      this.fold(entry, nextExpectedRevision);
      return true;
    } catch (error) {
      if (error instanceof WrongExpectedVersionError) return false;
      throw error;
    }
  }

  private async readOn(): Promise<void> {
    for (;;) {
      const entries = await this.entriesAfter(this.last);
      for (const { entry, revision } of entries) this.fold(entry, revision);
      if (entries.length < PAGE) return;
    }
  }

  private entriesAfter(revision: bigint): Promise<{ entry: Entry; revision: bigint }[]> {
    return this.link.read(async (live, ms) => {
      const entries: { entry: Entry; revision: bigint }[] = [];
      const options = { direction: FORWARDS, fromRevision: revision + 1n, maxCount: PAGE } as const;
      const stream = live.client.readStream(this.name, options);
      await collect<ResolvedEvent>(stream, live, ms, ({ event }) => {
        if (!event) return;
        entries.push({
          entry: JSON.parse(fromClient(event).data) as Entry,
          revision: event.revision,
        });
      }).catch((error: unknown) => {
        if (!(error instanceof StreamNotFoundError)) throw error;
      });
      return entries;
    });
  }

  private fold(entry: Entry, revision: bigint): void {
    this.last = revision;
    if ('unparked' in entry) {
      this.parked.delete(entry.unparked);
      return;
    }
    const { parked } = entry;
    const parkedAt = this.parked.get(parked.position)?.parkedAt ?? parked.parkedAt;
    this.parked.set(parked.position, { ...parked, parkedAt });
  }

  /** The last event stays, for it says how far the stream is. */
  private async forget(): Promise<void> {
    if (this.parked.size > 0 || this.last < FORGET_AFTER) return;
    const data = JSON.stringify({ $tb: Number(this.last) });
    const event = { id: randomUUID(), type: '$metadata', data, metadata: '{}' };
    await this.link.append(`$$${this.name}`, 'any', [toClient(event)]);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const answer = this.turn.then(work);
    this.turn = answer.catch(() => undefined);
    return answer;
  }
}

const inOrder = (events: ParkedEvent[]): readonly ParkedEvent[] =>
  events.sort((a, b) => (a.position < b.position ? -1 : 1));
