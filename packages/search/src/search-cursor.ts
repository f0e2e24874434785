/** Where a page of a search ended: a path and a line, or a symbol's name and its id. */
import { SearchProblem } from './search-problem.js';

export type SearchCursor = readonly [text: string, number: number];

export function encodeCursor(cursor: SearchCursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** @throws SearchProblem for what is no cursor */
export function decodeCursor(text: string | undefined): SearchCursor {
  if (text === undefined) return ['', 0];
  try {
    const cursor = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown;
    if (Array.isArray(cursor) && cursor.length === 2) {
      const [first, second] = cursor as unknown[];
      if (typeof first === 'string' && Number.isSafeInteger(second))
        return [first, second as number];
    }
  } catch {
    // Refused below, like any other that is not ours.
  }
  throw new SearchProblem(
    'VALIDATION_FAILED',
    'cursor must be the nextCursor of the page before.',
    'cursor',
  );
}
