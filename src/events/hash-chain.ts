import { hash } from 'node:crypto';

/** What the chain starts from: 32 zero bytes, in hex. */
export const CHAIN_START = '0'.repeat(64);

const HASH_BYTES = 32;
const LENGTH_BYTES = 4;
/** UTF-8 needs no more for a UTF-16 code unit; asking is dearer than the room. */
const MOST_BYTES_PER_UNIT = 3;

/** Most events fit; nothing waits between writing into it and hashing. */
const SCRATCH = Buffer.allocUnsafeSlow(16 * 1024);

export interface ChainLink {
  /** Stream name without the log's prefix. */
  readonly stream: string;
  readonly revision: bigint;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  /** JSON text as stored. */
  readonly data: string;
  /** JSON text as stored, but without `hash`. */
  readonly metadata: string;
}

/**
 * The hash of an event: SHA-256 over the previous hash (32 bytes), then for each field of the link, in
 * the order above, its length in bytes (unsigned, 32 bits, big-endian) and its UTF-8 text; numbers as
 * decimal text. In hex, lower case.
 */
export function chainHash(previous: string, link: ChainLink): string {
  const fields = [
    link.stream,
    String(link.revision),
    link.id,
    link.type,
    String(link.version),
    link.data,
    link.metadata,
  ];
  let most = HASH_BYTES;
  for (const field of fields) most += LENGTH_BYTES + field.length * MOST_BYTES_PER_UNIT;
  const bytes = most <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafe(most);
  let at = bytes.write(previous, 0, HASH_BYTES, 'hex');
  for (const field of fields) {
    const length = bytes.write(field, at + LENGTH_BYTES);
    bytes.writeUInt32BE(length, at);
    at += LENGTH_BYTES + length;
  }
  return hash('sha256', bytes.subarray(0, at), 'hex');
}

/** The stored metadata text is the hashed one with `hash` put in as its last field. */
export function withHash(metadata: string, hash: string): string {
  return `${metadata.slice(0, -1)},"hash":"${hash}"}`;
}

const HASH_FIELD = /,"hash":"([0-9a-f]{64})"\}$/;

/** Takes stored metadata apart again; undefined when it does not end in a hash. */
export function splitHash(stored: string): { metadata: string; hash: string } | undefined {
  const match = HASH_FIELD.exec(stored);
  if (!match?.[1]) return undefined;
  return { metadata: `${stored.slice(0, match.index)}}`, hash: match[1] };
}
