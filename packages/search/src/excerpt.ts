/** What is shown of a line: all of it, or of a long one what is around the first find. */
import type { SearchMatch } from '@taskmanager/protocol';

const MAX_CHARACTERS = 240;
const BEFORE = 80;

/** @param hits from and to, in the line */
export function excerptOf(
  line: string,
  hits: readonly (readonly [number, number])[],
): Pick<SearchMatch, 'text' | 'highlights'> {
  const whole = line.replace(/\r$/, '');
  const first = hits[0]?.[0] ?? 0;
  const start = whole.length <= MAX_CHARACTERS ? 0 : Math.max(0, first - BEFORE);
  const text = whole.slice(start, start + MAX_CHARACTERS);
  const highlights = hits
    .map(([from, to]): [number, number] => [from - start, Math.min(to - start, text.length)])
    .filter(([from]) => from < text.length);
  return { text, highlights };
}
