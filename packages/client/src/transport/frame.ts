import { StringDecoder } from 'node:string_decoder';

/** Longest frame taken from a service, in UTF-16 units: answers stop at 768 KiB, so this is a broken peer. */
const MAX_FRAME = 16 * 1024 * 1024;
const MAX_DIGITS = 9;

/** Nest's TCP frame: `<length>#<json>`, the length counted in UTF-16 units, not in bytes. */
export function encodeFrame(json: string): string {
  return `${json.length}#${json}`;
}

/** Cuts what a socket delivers into frames; characters and frames may be torn anywhere. */
export class FrameDecoder {
  private readonly characters = new StringDecoder('utf8');
  private text = '';
  /** Of the frame being received; -1 while its length is not known yet. */
  private length = -1;

  /** @throws Error when the peer does not speak this frame; nothing after it can be trusted. */
  push(chunk: Buffer): string[] {
    this.text += this.characters.write(chunk);
    const frames: string[] = [];
    let start = 0;
    for (;;) {
      if (this.length < 0) {
        const mark = this.text.indexOf('#', start);
        const end = mark < 0 ? this.text.length : mark;
        if (end - start > MAX_DIGITS) throw badLength(this.text.slice(start, start + 20));
        if (mark < 0) break;
        this.length = parseLength(this.text.slice(start, mark));
        start = mark + 1;
      }
      if (this.text.length - start < this.length) break;
      frames.push(this.text.slice(start, start + this.length));
      start += this.length;
      this.length = -1;
    }
    if (start > 0) this.text = this.text.slice(start);
    return frames;
  }
}

function parseLength(digits: string): number {
  const length = /^[0-9]+$/.test(digits) ? Number(digits) : NaN;
  if (!(length > 0 && length <= MAX_FRAME)) throw badLength(digits);
  return length;
}

function badLength(text: string): Error {
  return new Error(
    `The peer does not speak TaskManager's TCP frame: ${JSON.stringify(text)} is no length`,
  );
}
