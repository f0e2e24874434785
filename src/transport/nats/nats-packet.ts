import type { PacketId } from '../reply-text.js';

export interface NatsPacket {
  /** Undefined: the caller knows its answer by the reply subject. */
  readonly id: PacketId | undefined;
  readonly data: unknown;
}

const ENVELOPE: ReadonlySet<string> = new Set(['id', 'pattern', 'data']);

/**
 * A request either in Nest's envelope, `{ id?, pattern?, data }`, or bare: the fields themselves. What
 * has `data` or `pattern` and nothing that is not of the envelope is one. Undefined: it is no request.
 */
export function parsePacket(payload: Uint8Array): NatsPacket | undefined {
  if (payload.length === 0) return { id: undefined, data: {} };
  let packet: unknown;
  try {
    packet = JSON.parse(
      Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'),
    );
  } catch {
    return undefined;
  }
  if (typeof packet !== 'object' || packet === null || Array.isArray(packet)) return undefined;
  if (!isEnvelope(packet)) return { id: undefined, data: packet };
  const { id, data } = packet as Readonly<Record<string, unknown>>;
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') return undefined;
  return { id, data };
}

function isEnvelope(packet: object): boolean {
  const names = Object.keys(packet);
  return (
    (names.includes('data') || names.includes('pattern')) &&
    names.every((name) => ENVELOPE.has(name))
  );
}
