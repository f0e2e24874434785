import { ADMIN_STREAM } from './admin-events.js';
import { CHAIN_START, chainHash, splitHash } from './hash-chain.js';
import { chainedName, IMPORTS_STREAM } from './import-events.js';
import { refusalStream } from './refusal-events.js';
import { TASK_STREAM_PREFIX } from './stored-event.js';
import { TASK_TYPES_STREAM } from './task-type-events.js';

/** An event as a log keeps it. */
export interface ChainedEvent {
  readonly stream: string;
  readonly revision: bigint;
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

export interface ChainFault {
  readonly code: 'hash_mismatch' | 'no_hash' | 'missing_event' | 'out_of_order' | 'unreadable';
  /** What is wrong with the event, to follow its name: "has no hash". */
  readonly text: string;
  /** Of the event that does not fit, or that is missing. */
  readonly revision: number;
}

/** What is known of a stream's end. */
export interface StreamEnd {
  readonly stream: string;
  readonly revision: number;
  /** As it is stored with the last event, in hex; 64 zeros when that has none. */
  readonly hash: string;
}

const CHAINED = [
  TASK_STREAM_PREFIX,
  refusalStream(''),
  TASK_TYPES_STREAM,
  ADMIN_STREAM,
  IMPORTS_STREAM,
];

const HASH_BYTES = 32;
const FIRST_ROOM = 64;
/** The last field of metadata as the service writes it; JSON text that ends otherwise is parsed. */
const VERSION_FIELD = /,"version":(\d+)\}$/;

/**
 * Follows the hash chains of all streams at once, each from its first event on, and remembers where each
 * ends: the one check of the chain there is. About 160 bytes a stream.
 */
export class ChainEnds {
  private readonly places = new Map<string, number>();
  private revisions = new Float64Array(FIRST_ROOM);
  private hashes = Buffer.alloc(FIRST_ROOM * HASH_BYTES);

  /** Streams. */
  get size(): number {
    return this.places.size;
  }

  /** Of the last event; −1 for a stream that was not seen. */
  revisionOf(stream: string): number {
    const place = this.places.get(stream);
    return place === undefined ? -1 : (this.revisions[place] ?? -1);
  }

  /** In hex; 32 zero bytes for a stream that was not seen. */
  hashOf(stream: string): string {
    const place = this.places.get(stream);
    return place === undefined ? CHAIN_START : this.hashAt(place);
  }

  /** In the order of the streams' first events. */
  *[Symbol.iterator](): Generator<StreamEnd, void> {
    for (const [stream, place] of this.places) {
      yield { stream, revision: this.revisions[place] ?? -1, hash: this.hashAt(place) };
    }
  }

  /**
   * Goes on with the next event of its stream; answers what does not fit, undefined when all does. Goes
   * on from what is stored, so that one change is one fault, at the event that was changed.
   */
  follow(event: ChainedEvent): ChainFault | undefined {
    const place = this.places.get(event.stream) ?? this.begin(event.stream);
    const due = (this.revisions[place] ?? -1) + 1;
    const revision = Number(event.revision);
    if (revision < due) {
      return { code: 'out_of_order', text: `stands behind revision ${due - 1}`, revision };
    }
    this.revisions[place] = revision;
    const fault = this.link(event, place, revision === due);
    if (revision === due) return fault;
    const last = revision - 1;
    const missing = last === due ? `revision ${due} is` : `revisions ${due} to ${last} are`;
    const text = `stands in the log, and ${missing} missing before it`;
    return { code: 'missing_event', text, revision: due };
  }

  private link(event: ChainedEvent, place: number, check: boolean): ChainFault | undefined {
    const revision = Number(event.revision);
    const stream = chainedName(event.stream);
    const parts = splitHash(event.metadata);
    if (!parts) {
      this.hashes.fill(0, place * HASH_BYTES, (place + 1) * HASH_BYTES);
      return CHAINED.some((prefix) => stream.startsWith(prefix))
        ? { code: 'no_hash', text: 'has no hash', revision }
        : undefined;
    }
    const before = check ? this.hashAt(place) : undefined;
    this.hashes.write(parts.hash, place * HASH_BYTES, HASH_BYTES, 'hex');
    if (before === undefined) return undefined;
    const version = versionIn(parts.metadata);
    if (version === undefined) {
      return { code: 'unreadable', text: 'has metadata that is no JSON', revision };
    }
    const { id, type, data } = event;
    const link = { stream, revision: event.revision, id, type, version, data };
    return chainHash(before, { ...link, metadata: parts.metadata }) === parts.hash
      ? undefined
      : { code: 'hash_mismatch', text: 'does not continue the hash chain of its stream', revision };
  }

  private hashAt(place: number): string {
    return this.hashes.toString('hex', place * HASH_BYTES, (place + 1) * HASH_BYTES);
  }

  private begin(stream: string): number {
    const place = this.places.size;
    this.places.set(stream, place);
    if (place === this.revisions.length) {
      const revisions = new Float64Array(place * 2);
      revisions.set(this.revisions);
      this.revisions = revisions;
      this.hashes = Buffer.concat([this.hashes, Buffer.alloc(place * HASH_BYTES)]);
    }
    this.revisions[place] = -1;
    return place;
  }
}

function versionIn(metadata: string): number | undefined {
  const match = VERSION_FIELD.exec(metadata);
  if (match) return Number(match[1]);
  try {
    return (JSON.parse(metadata) as { version: number } | null)?.version ?? -1;
  } catch {
    return undefined;
  }
}
