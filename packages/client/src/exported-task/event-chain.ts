/**
 * The hash chain of a task's events, as the service writes it. Here so that a file is known to be whole
 * before anything of it is sent; the service checks it again.
 */
import { createHash } from 'node:crypto';
import type { ExportedEvent } from '@taskmanager/protocol';

interface ChainEnd {
  readonly revision: number;
  readonly hash: string;
}

/** Where each stream ends, by its name. */
export type ChainEnds = Map<string, ChainEnd>;

const START: ChainEnd = { revision: -1, hash: '0'.repeat(64) };
const HASH_FIELD = /,"hash":"([0-9a-f]{64})"\}$/;

/** Whether the event is the next one of its stream; its end is moved then. */
export function continuesChain(ends: ChainEnds, event: ExportedEvent): boolean {
  const { stream, revision, id, type, data, metadata } = event;
  const end = ends.get(stream) ?? START;
  const match = HASH_FIELD.exec(metadata);
  if (!match?.[1] || revision !== end.revision + 1) return false;
  const bare = `${metadata.slice(0, match.index)}}`;
  const fields = [stream, String(revision), id, type, versionIn(metadata), data, bare];
  const hash = createHash('sha256').update(end.hash, 'hex');
  for (const field of fields) {
    const text = Buffer.from(field);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    hash.update(length).update(text);
  }
  if (hash.digest('hex') !== match[1]) return false;
  ends.set(stream, { revision, hash: match[1] });
  return true;
}

function versionIn(metadata: string): string {
  try {
    return String((JSON.parse(metadata) as { readonly version?: unknown }).version);
  } catch {
    return '';
  }
}
