import {
  BACKWARDS,
  END,
  FORWARDS,
  StreamNotFoundError,
  type ResolvedEvent,
} from '@eventstore/db-client';
import type { RecordedEvent, Revision } from '../event-log.port.js';
import { collect } from './collect.js';
import { fromClient, type PortEvents } from './event-form.js';
import type { ServerLink } from './server-link.js';
import type { StreamNames } from './stream-names.js';

export interface StreamRange {
  /** Inclusive; the end of the stream, by direction, when left out. */
  readonly from?: Revision | undefined;
  readonly direction?: 'forwards' | 'backwards';
  readonly count: number;
  /** As `performance.now()` tells it; the usual time limit when left out. */
  readonly until?: number;
}

/** Reads of one stream of the port. */
export class StreamPages {
  constructor(
    private readonly link: ServerLink,
    private readonly names: StreamNames,
    private readonly recorded: PortEvents,
  ) {}

  /** Empty for an unknown stream. Rejects with LogUnavailable. */
  read(
    stream: string,
    { from, direction, count, until }: StreamRange,
  ): Promise<readonly RecordedEvent[]> {
    const name = this.names.inCluster(stream);
    const backwards = direction === 'backwards';
    const options = {
      direction: backwards ? BACKWARDS : FORWARDS,
      fromRevision: from ?? (backwards ? END : 0n),
      maxCount: count,
    } as const;
    return this.link.read(async (live, ms) => {
      const events: RecordedEvent[] = [];
      const take = ({ event }: ResolvedEvent) => {
        const recorded = event && this.recorded.of(fromClient(event));
        if (recorded) events.push(recorded);
      };
      try {
        await collect<ResolvedEvent>(live.client.readStream(name, options), live, ms, take);
      } catch (error) {
        if (!(error instanceof StreamNotFoundError)) throw error;
      }
      return events;
    }, until);
  }
}
