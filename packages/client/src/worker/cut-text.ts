const ELLIPSIS = '…';

/** The text, or as much of its beginning as fits in so many bytes of UTF-8 (16 or more). */
export function cutText(text: string, bytes: number): string {
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text;
  const written = Buffer.from(text);
  let end = bytes - Buffer.byteLength(ELLIPSIS);
  // Not inside of a character.
  while (((written[end] ?? 0) & 0xc0) === 0x80) end--;
  return written.toString('utf8', 0, end) + ELLIPSIS;
}
