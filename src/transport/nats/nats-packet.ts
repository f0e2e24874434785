import { commandSubject } from '@taskmanager/protocol';
import type { PacketId } from '../reply-text.js';

export interface NatsPacket {
  /** Undefined: the caller knows its answer by the reply subject. */
  readonly id: PacketId | undefined;
  readonly data: unknown;
}

/** Its own fields are `id` and `data`, as the envelope's are. */
const TWO_MEANINGS = commandSubject('update_task_data');
const ENVELOPE: ReadonlySet<string> = new Set(['id', 'pattern', 'data']);

/**
 * A request either in Nest's envelope, `{ id?, pattern?, data }`, or bare: the fields themselves. What
 * has `data` or `pattern` and nothing that is not of the envelope is one; update_task_data, whose own
 * fields are `id` and `data`, only with a whole update in it. Undefined: it is no request.
 */
export function parsePacket(payload: Uint8Array, subject: string): NatsPacket | undefined {
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
  if (!isEnvelope(packet, subject)) return { id: undefined, data: packet };
  const { id, data } = packet as Readonly<Record<string, unknown>>;
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') return undefined;
  return { id, data };
}

/** In an envelope stands a whole request: the task's id and its data. */
function isUpdate(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'id' in data && 'data' in data;
}

function isEnvelope(packet: object, subject: string): boolean {
  const names = Object.keys(packet);
  if (!names.every((name) => ENVELOPE.has(name))) return false;
  if (names.includes('pattern')) return true;
  if (!names.includes('data')) return false;
  return subject !== TWO_MEANINGS || isUpdate((packet as { readonly data: unknown }).data);
}
