import { createHash } from 'node:crypto';
import type { RecordedEvent } from '../event-store/index.js';
import {
  CHAIN_START,
  chainedName,
  chainHash,
  IMPORTS_STREAM,
  refusalStream,
  splitHash,
  TASK_STREAM_PREFIX,
  TASK_TYPES_STREAM,
} from '../events/index.js';
import { describeEvent } from './log-copy.errors.js';

const CHAINED = [TASK_STREAM_PREFIX, refusalStream(''), TASK_TYPES_STREAM, IMPORTS_STREAM];

/** What a log is found to be. */
export interface AuditReport {
  readonly events: number;
  readonly streams: number;
  /**
   * SHA-256 in hex over one line of JSON for each event in the log's order:
   * `[stream, revision, id, type, data, metadata]`. Positions are left out.
   */
  readonly digest: string;
  /** Events that do not continue the hash chain of their stream. */
  readonly brokenLinks: number;
  readonly firstProblem: string | undefined;
}

/**
 * Follows one log from its first event on: its digest, and the hash chain of every stream of tasks, of
 * refusals, of task types and of imports. Keeps one hash for each stream, about 200 bytes.
 */
export class LogAudit {
  private readonly digest = createHash('sha256');
  private readonly ends = new Map<string, string>();
  private events = 0;
  private brokenLinks = 0;
  private firstProblem: string | undefined;

  see(event: RecordedEvent): void {
    const { stream, revision, id, type, data, metadata } = event;
    this.events += 1;
    this.digest.update(`${JSON.stringify([stream, String(revision), id, type, data, metadata])}\n`);
    const problem = this.follow(event);
    if (problem === undefined) return;
    this.brokenLinks += 1;
    this.firstProblem ??= `${describeEvent(event)} ${problem}`;
  }

  report(): AuditReport {
    return {
      events: this.events,
      streams: this.ends.size,
      digest: this.digest.copy().digest('hex'),
      brokenLinks: this.brokenLinks,
      firstProblem: this.firstProblem,
    };
  }

  /** What is wrong with the event's link; undefined when nothing is. */
  private follow({
    stream,
    revision,
    id,
    type,
    data,
    metadata,
  }: RecordedEvent): string | undefined {
    const before = this.ends.get(stream) ?? CHAIN_START;
    const name = chainedName(stream);
    const parts = splitHash(metadata);
    if (!parts) {
      this.ends.set(stream, before);
      return CHAINED.some((prefix) => name.startsWith(prefix)) ? 'has no hash' : undefined;
    }
    const { version } = JSON.parse(parts.metadata) as { version: number };
    const link = { stream: name, revision, id, type, version, data, metadata: parts.metadata };
    const due = chainHash(before, link);
    if (due !== parts.hash) {
      this.ends.set(stream, parts.hash);
      return 'does not continue the hash chain of its stream';
    }
    // The computed text is kept, not the equal one that was read, which would keep all metadata alive.
    this.ends.set(stream, due);
    return undefined;
  }
}
