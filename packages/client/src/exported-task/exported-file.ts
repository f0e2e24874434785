import { createHash } from 'node:crypto';
import type { ExportedEvent } from '@taskmanager/protocol';
import { TaskManagerError } from '../errors.js';
import { continuesChain, type ChainEnds } from './event-chain.js';
import {
  EXPORT_FORMAT,
  EXPORT_VERSION,
  type ExportFooter,
  type ExportHeader,
} from './exported-lines.js';

/**
 * Reads the lines of an exported task and checks all that the file says about itself: its form, its
 * digest, that no event is missing, and the hash chains. A chain has no secret: whoever wrote the whole
 * file anew, hashes and all, is found out only by comparing the last hash with the log it came from.
 */
export class ExportedFile {
  private readonly hash = createHash('sha256');
  private readonly ends: ChainEnds = new Map();
  private readonly counts = { events: 0, refusals: 0 };
  private line = 0;
  private head: ExportHeader | undefined;
  private foot: ExportFooter | undefined;

  /** The event of the line, if it is one. @throws TaskManagerError VALIDATION_FAILED that says where */
  take(line: string): ExportedEvent | undefined {
    this.line += 1;
    // A file ends with a line feed.
    if (line === '' && this.foot) return undefined;
    if (this.foot) throw this.wrong('comes after the footer');
    const value = this.parsed(line);
    if (!this.head) {
      if (!isHeader(value)) throw this.wrong('is not the header of an exported task');
      this.head = value;
    } else if (isFooter(value)) {
      this.checkFooter(value);
      this.foot = value;
      return undefined;
    } else {
      this.checkEvent(value, this.head);
    }
    this.hash.update(`${line}\n`);
    return this.line === 1 ? undefined : (value as ExportedEvent);
  }

  get header(): ExportHeader {
    if (!this.head) throw this.wrong('is missing: the file is empty');
    return this.head;
  }

  /** Read to its end it has one. */
  get footer(): ExportFooter {
    if (!this.foot) throw this.wrong('is missing: the file was cut off before its footer');
    return this.foot;
  }

  private checkEvent(value: unknown, { taskId }: ExportHeader): void {
    if (!isEvent(value)) throw this.wrong('is no event');
    const { stream, type, id, revision } = value;
    if (stream === `task-${taskId}`) this.counts.events += 1;
    else if (stream === `refused-${taskId}`) this.counts.refusals += 1;
    else throw this.wrong(`is an event of ${stream}, not of task ${taskId}`);
    if (continuesChain(this.ends, value)) return;
    throw this.wrong(
      `does not continue the hash chain: ${type} ${id} (${stream}, revision ${revision}) was altered, or one before it`,
      { stream, revision, eventId: id, type },
    );
  }

  private checkFooter({ events, refusals, sha256 }: ExportFooter): void {
    if (events !== this.counts.events || refusals !== this.counts.refusals || events === 0) {
      throw this.wrong(
        `says ${events} events and ${refusals} refusals, but there are ${this.counts.events} and ${this.counts.refusals}`,
      );
    }
    if (sha256 !== this.hash.digest('hex')) {
      throw this.wrong('has the digest of another file: this one was altered');
    }
  }

  private parsed(line: string): unknown {
    try {
      return JSON.parse(line);
    } catch {
      throw this.wrong('is no JSON');
    }
  }

  private wrong(what: string, details: Readonly<Record<string, unknown>> = {}): TaskManagerError {
    const message = `importTask: line ${this.line} of the file ${what}`;
    const about = { ...details, line: this.line, outcome: 'not_sent' };
    return new TaskManagerError('VALIDATION_FAILED', message, about);
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isHeader(value: unknown): value is ExportHeader {
  return (
    isObject(value) &&
    value['format'] === EXPORT_FORMAT &&
    value['version'] === EXPORT_VERSION &&
    ['taskId', 'logId'].every((name) => typeof value[name] === 'string')
  );
}

const isFooter = (value: unknown): value is ExportFooter =>
  isObject(value) &&
  typeof value['events'] === 'number' &&
  typeof value['refusals'] === 'number' &&
  typeof value['sha256'] === 'string';

const isEvent = (value: unknown): value is ExportedEvent =>
  isObject(value) &&
  typeof value['revision'] === 'number' &&
  ['stream', 'id', 'type', 'data', 'metadata'].every((name) => typeof value[name] === 'string');
