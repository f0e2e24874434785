import type { Snapshot } from '../event-log.port.js';
import type { ServerLink } from './server-link.js';
import { SmallStream } from './small-stream.js';
import type { StreamNames } from './stream-names.js';

interface StoredSnapshot {
  readonly revision: string;
  readonly version: number;
  /** Null: it was deleted. */
  readonly state: string | null;
}

/** One small stream for each stream that has a snapshot; losing them costs time only. */
export class Snapshots {
  constructor(
    private readonly link: ServerLink,
    private readonly names: StreamNames,
  ) {}

  async read(stream: string): Promise<Snapshot | undefined> {
    const stored = await this.of(stream).read();
    if (!stored || stored.state === null) return undefined;
    const { revision, version, state } = stored;
    return { revision: BigInt(revision), version, state };
  }

  write(stream: string, { revision, version, state }: Snapshot): Promise<void> {
    const write = { revision: String(revision), version, state };
    return this.of(stream).change((stored) => {
      const newer = stored?.version === version && BigInt(stored.revision) > revision;
      return newer && stored.state !== null ? { answer: undefined } : { write, answer: undefined };
    });
  }

  delete(stream: string): Promise<void> {
    return this.of(stream).change((stored) => {
      if (!stored || stored.state === null) return { answer: undefined };
      return { write: { ...stored, state: null }, answer: undefined };
    });
  }

  private of(stream: string): SmallStream<StoredSnapshot> {
    return new SmallStream(this.link, this.names.snapshot(stream), 'Snapshot');
  }
}
