import { LIMITS } from '@taskmanager/protocol';
import type { Call } from './call.js';

/** A message is closed before it grows past this, in bytes: half of what the service takes. */
const BATCH_BYTES = LIMITS.requestBytes / 2;
/** From this many commands on, one turn's commands are split, so that client and service work at once. */
const SPLIT_FROM = 16;
/** Into at most so many messages, as long as their size allows. */
const MOST_PARTS = 2;

export interface Part {
  readonly calls: Call[];
  /** The commands as JSON text, joined by commas; read only when there are two or more. */
  readonly text: string;
}

/**
 * Shares commands out to messages. A group (the commands about one task) stays in one message; what of
 * it does not fit comes back in `rest`, for when the first of it are done.
 */
export function pack(groups: readonly Call[][]): { parts: Part[]; rest: Call[] } {
  const total = groups.reduce((sum, group) => sum + group.length, 0);
  const target = Math.min(
    LIMITS.batchCommands,
    Math.ceil(total / Math.min(MOST_PARTS, Math.ceil(total / SPLIT_FROM))),
  );
  const parts: Part[] = [];
  const rest: Call[] = [];
  let open = new OpenPart();
  for (const group of groups) {
    if (open.calls.length >= target) open = open.closeInto(parts);
    let full = false;
    for (const call of group) {
      if (full) {
        rest.push(call);
        continue;
      }
      const text = itemText(call);
      const fits = open.hasRoomFor(text);
      if (!fits && call === group[0]) open = open.closeInto(parts);
      if (fits || call === group[0]) open.add(call, text);
      else {
        full = true;
        rest.push(call);
      }
    }
  }
  open.closeInto(parts);
  return { parts, rest };
}

function itemText({ name, args, meta, maybeDone }: Call): string {
  return JSON.stringify({
    command: name,
    args,
    meta: maybeDone ? { ...meta, retry: true } : meta,
  });
}

class OpenPart {
  readonly calls: Call[] = [];
  private readonly texts: string[] = [];
  private bytes = 0;

  hasRoomFor(text: string): boolean {
    if (this.calls.length === 0) return true;
    if (this.calls.length >= LIMITS.batchCommands) return false;
    return this.bytes + byteLength(text) <= BATCH_BYTES;
  }

  add(call: Call, text: string): void {
    this.calls.push(call);
    this.texts.push(text);
    this.bytes += byteLength(text);
  }

  closeInto(parts: Part[]): OpenPart {
    if (this.calls.length > 0) parts.push({ calls: this.calls, text: this.texts.join(',') });
    return new OpenPart();
  }
}

function byteLength(text: string): number {
  return Buffer.byteLength(text) + 1;
}
