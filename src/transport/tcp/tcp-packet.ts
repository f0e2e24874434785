import type { PacketId } from '../reply-text.js';

/** A request as Nest's TCP clients send it. Without an id nobody waits for a reply. */
export interface TcpPacket {
  readonly id: PacketId | undefined;
  readonly subject: string;
  readonly data: unknown;
}

/** Undefined: it is no request. */
export function parsePacket(frame: string): TcpPacket | undefined {
  let packet: unknown;
  try {
    packet = JSON.parse(frame);
  } catch {
    return undefined;
  }
  if (typeof packet !== 'object' || packet === null || Array.isArray(packet)) return undefined;
  const { id, pattern, data } = packet as Readonly<Record<string, unknown>>;
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') return undefined;
  // Patterns that are objects are Nest's old habit; nothing here has one.
  return { id, subject: typeof pattern === 'string' ? pattern : '', data };
}
