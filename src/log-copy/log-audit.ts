import { createHash } from 'node:crypto';
import { describeEvent, type RecordedEvent } from '../event-store/index.js';
import { ChainEnds } from '../events/index.js';

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

/** Follows one log from its first event on: its digest, and the hash chain of every stream. */
export class LogAudit {
  private readonly digest = createHash('sha256');
  private readonly ends = new ChainEnds();
  private events = 0;
  private brokenLinks = 0;
  private firstProblem: string | undefined;

  see(event: RecordedEvent): void {
    const { stream, revision, id, type, data, metadata } = event;
    this.events += 1;
    this.digest.update(`${JSON.stringify([stream, String(revision), id, type, data, metadata])}\n`);
    const fault = this.ends.follow(event);
    if (!fault) return;
    this.brokenLinks += 1;
    this.firstProblem ??= `${describeEvent(event)} ${fault.text}`;
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
}
