import { StringDecoder } from 'node:string_decoder';

/** A frame's length has at most so many digits. */
const MAX_DIGITS = 8;

/** The bytes are no frames of ours: nothing that follows on this connection can be read. */
export class MalformedFrame extends Error {
  override readonly name = 'MalformedFrame';
}

/**
 * Cuts Nest's TCP frames, `<length>#<json>`, out of what a socket receives. The length counts
 * JavaScript characters (UTF-16 units), as Nest's own sockets do.
 */
export class FrameReader {
  private readonly decoder = new StringDecoder('utf8');
  private text = '';
  private length: number | undefined;

  /** @param maxChars longest frame that is read */
  constructor(private readonly maxChars: number) {}

  /** Characters held of a frame that is not complete; 0 between frames. */
  get held(): number {
    return this.text.length + (this.length === undefined ? 0 : 1);
  }

  /** The frames that this chunk completes. @throws MalformedFrame */
  *read(chunk: Buffer): Generator<string, void, undefined> {
    this.text += this.decoder.write(chunk);
    let start = 0;
    try {
      for (;;) {
        if (this.length === undefined) {
          const head = this.headAt(start);
          if (head === undefined) return;
          [this.length, start] = head;
        }
        const end = start + this.length;
        if (end > this.text.length) return;
        const frame = this.text.slice(start, end);
        start = end;
        this.length = undefined;
        yield frame;
      }
    } finally {
      if (start > 0) this.text = this.text.slice(start);
    }
  }

  /** The length that begins here and where its frame begins; undefined while it is incomplete. */
  private headAt(start: number): [length: number, start: number] | undefined {
    const head = this.text.slice(start, start + MAX_DIGITS + 1);
    const hash = head.indexOf('#');
    if (hash === -1 && head.length <= MAX_DIGITS && /^\d*$/.test(head)) return undefined;
    const digits = head.slice(0, Math.max(hash, 0));
    if (!/^\d+$/.test(digits)) {
      throw new MalformedFrame('A frame begins with the number of its characters and "#".');
    }
    const length = Number(digits);
    if (length === 0 || length > this.maxChars) {
      throw new MalformedFrame(`A frame of ${length} characters: 1 to ${this.maxChars} are read.`);
    }
    return [length, start + hash + 1];
  }
}
