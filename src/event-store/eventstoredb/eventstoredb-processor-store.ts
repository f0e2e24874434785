import type { Position } from '@taskmanager/protocol';
import { LogUnavailable } from '../event-log.errors.js';
import {
  ProcessorStore,
  type ParkedEvent,
  type ParkedWish,
  type ProcessorLease,
} from '../processor-store.port.js';
import type { EventStoreDbOptions, Tell } from './eventstoredb-options.js';
import { LogConnection } from './log-connection.js';
import { ParkedEvents } from './parked-events.js';
import { ProcessorNames } from './processor-names.js';
import { SmallStream } from './small-stream.js';
import { UnderWay } from './under-way.js';

interface StoredLease {
  /** Null: it was given back. The stream stays, because epochs must go on rising. */
  readonly owner: string | null;
  readonly epoch: number;
  readonly expiresAt: number;
}

/** What is kept of one processor. */
interface ProcessorStreams {
  readonly checkpoint: SmallStream<{ readonly position: Position }>;
  readonly lease: SmallStream<StoredLease>;
  readonly pause: SmallStream<{ readonly paused: boolean }>;
  readonly parked: ParkedEvents;
}

/** Checkpoints, leases, pauses and parked events, each processor's in small streams beside the log's. */
export class EventStoreDbProcessorStore extends ProcessorStore {
  private readonly processors = new Map<string, ProcessorStreams>();
  private readonly names: ProcessorNames;
  private readonly underWay = new UnderWay();
  private closing: Promise<void> | undefined;

  /** @param connection is this store's from now on: closing the store gives it back */
  constructor(private readonly connection: LogConnection) {
    super();
    this.names = new ProcessorNames(connection.link, connection.names);
  }

  /** See {@link LogConnection.open}. */
  static async open(
    options: EventStoreDbOptions,
    tell?: Tell,
  ): Promise<EventStoreDbProcessorStore> {
    return new EventStoreDbProcessorStore(await LogConnection.open(options, tell));
  }

  listProcessors(): Promise<readonly string[]> {
    return this.tracked(async () => {
      const names = await this.names.read();
      const left = await Promise.all(names.map((name) => this.hasLeftSomething(name)));
      return names.filter((_, index) => left[index]);
    });
  }

  readCheckpoint(processor: string): Promise<Position | undefined> {
    return this.with(processor, async ({ checkpoint }) => (await checkpoint.read())?.position);
  }

  moveCheckpoint(
    processor: string,
    expected: Position | undefined,
    position: Position,
  ): Promise<boolean> {
    return this.with(processor, async ({ checkpoint }) => {
      await this.names.add(processor);
      return checkpoint.change((stored) =>
        stored?.position === expected ? { write: { position }, answer: true } : { answer: false },
      );
    });
  }

  acquireLease(
    processor: string,
    owner: string,
    ttlMs: number,
    now: number,
  ): Promise<ProcessorLease | undefined> {
    return this.with(processor, ({ lease }) =>
      lease.change<ProcessorLease | undefined>((held) => {
        const own = held?.owner === owner;
        if (held?.owner && !own && held.expiresAt > now) return { answer: undefined };
        const epoch = (held?.epoch ?? 0) + (own ? 0 : 1);
        const taken = { owner, epoch, expiresAt: now + ttlMs };
        return { write: taken, answer: taken };
      }),
    );
  }

  readLease(processor: string): Promise<ProcessorLease | undefined> {
    return this.with(processor, async ({ lease }) => {
      const held = await lease.read();
      return held?.owner ? { ...held, owner: held.owner } : undefined;
    });
  }

  releaseLease(processor: string, owner: string): Promise<void> {
    return this.with(processor, ({ lease }) =>
      lease.change<void>((held) => {
        if (held?.owner !== owner) return { answer: undefined };
        return { write: { ...held, owner: null, expiresAt: 0 }, answer: undefined };
      }),
    );
  }

  park(event: ParkedEvent): Promise<void> {
    return this.with(event.processor, async ({ parked }) => {
      await this.names.add(event.processor);
      await parked.park(event);
    });
  }

  listParked(processor: string): Promise<readonly ParkedEvent[]> {
    return this.with(processor, ({ parked }) => parked.list());
  }

  listWanted(processor: string): Promise<readonly ParkedEvent[]> {
    return this.with(processor, ({ parked }) => parked.wanted());
  }

  want(processor: string, position: Position, wish: ParkedWish): Promise<boolean> {
    return this.with(processor, ({ parked }) => parked.want(position, wish));
  }

  unpark(processor: string, position: Position): Promise<boolean> {
    return this.with(processor, ({ parked }) => parked.unpark(position));
  }

  setPaused(processor: string, paused: boolean): Promise<void> {
    return this.with(processor, async ({ pause }) => {
      await this.names.add(processor);
      await pause.change<void>((stored) =>
        (stored?.paused ?? false) === paused
          ? { answer: undefined }
          : { write: { paused }, answer: undefined },
      );
    });
  }

  isPaused(processor: string): Promise<boolean> {
    return this.with(processor, async ({ pause }) => (await pause.read())?.paused ?? false);
  }

  close(): Promise<void> {
    return (this.closing ??= this.underWay.settled().then(() => this.connection.close()));
  }

  private async hasLeftSomething(processor: string): Promise<boolean> {
    const { checkpoint, pause, parked } = this.streamsOf(processor);
    if (await checkpoint.read()) return true;
    return ((await pause.read())?.paused ?? false) || (await parked.list()).length > 0;
  }

  private with<T>(processor: string, work: (streams: ProcessorStreams) => Promise<T>): Promise<T> {
    return this.tracked(() => work(this.streamsOf(processor)));
  }

  private async tracked<T>(work: () => Promise<T>): Promise<T> {
    if (this.closing) throw new LogUnavailable('it is closed', false);
    return this.underWay.track(work);
  }

  private streamsOf(processor: string): ProcessorStreams {
    const known = this.processors.get(processor);
    if (known) return known;
    const { link, names } = this.connection;
    const streams = {
      checkpoint: new SmallStream<{ position: Position }>(
        link,
        names.checkpoint(processor),
        'Checkpoint',
      ),
      lease: new SmallStream<StoredLease>(link, names.lease(processor), 'Lease'),
      pause: new SmallStream<{ paused: boolean }>(link, names.pause(processor), 'Pause'),
      parked: new ParkedEvents(link, names.parked(processor)),
    };
    this.processors.set(processor, streams);
    return streams;
  }
}
