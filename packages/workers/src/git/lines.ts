import { StringDecoder } from 'node:string_decoder';

/** A line is cut here, characters: whoever serves a repository may send one without end. */
const LINE_LENGTH = 4_096;

/** Takes chunks and gives lines, which `\n` and `\r` end; git overwrites its progress with `\r`. */
export function collectLines(onLine: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return (chunk) => {
    const lines = `${rest}${decoder.write(chunk)}`.split(/[\r\n]+/);
    rest = (lines.pop() ?? '').slice(0, LINE_LENGTH);
    for (const line of lines) if (line !== '') onLine(line.slice(0, LINE_LENGTH));
  };
}
