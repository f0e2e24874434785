import { setTimeout as sleep } from 'node:timers/promises';
import { SmallStream } from './small-stream.js';
import type { ServerLink } from './server-link.js';
import type { StreamNames } from './stream-names.js';

/** Replicas wait for chance, so that mostly one of them writes. */
const LONGEST_WAIT_MS = 2_000;

/**
 * Moves the log's position when for long only others have written to the cluster. A position that one
 * replica gives out must be reached by all of them, and each gets the server's checkpoints at other
 * places; so a mark is written, an event that no reader of the port sees, and its place is a position
 * for everybody. Whoever begins again begins there and not where the last event of the log was.
 */
export class LogMarks {
  private readonly stream: SmallStream<{ at: number }>;
  private readonly stopping = new AbortController();
  private checkpoints = 0;
  private writing: Promise<void> | undefined;

  constructor(
    link: ServerLink,
    names: StreamNames,
    private readonly checkpointsBeforeMark: number,
  ) {
    this.stream = new SmallStream(link, names.marks, 'Mark');
  }

  /** An event or a mark came. */
  moved(): void {
    this.checkpoints = 0;
  }

  /** A checkpoint came; in a log without events there is nothing to move on from. */
  lookedOn(hasEvents: boolean): void {
    this.checkpoints += 1;
    if (!hasEvents || this.checkpoints < this.checkpointsBeforeMark || this.writing) return;
    this.writing = this.write().finally(() => (this.writing = undefined));
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await this.writing;
  }

  private async write(): Promise<void> {
    const { signal } = this.stopping;
    await sleep(Math.random() * LONGEST_WAIT_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted || this.checkpoints < this.checkpointsBeforeMark) return;
    // Without it nothing is lost: the next checkpoints bring the next try.
    await this.stream
      .change(() => ({ write: { at: Date.now() }, answer: undefined }))
      .catch(() => undefined);
  }
}
