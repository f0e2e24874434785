/** What searches of texts and of symbols have in common: which files are looked at. */
import type { SearchMatch, SearchRepositoryRequest } from '@taskmanager/protocol';
import type { SearchCursor } from './search-cursor.js';

export interface Found {
  readonly match: SearchMatch;
  /** A page that ends with this match goes on after it. */
  readonly after: SearchCursor;
}

/** Conditions on `files`, to be taken with {@link filterValues}. */
export const FILE_FILTER = `
  AND (@language IS NULL OR files.language = @language COLLATE NOCASE)
  AND (@path IS NULL OR files.path = @path OR (files.path >= @path || '/' AND files.path < @path || '0'))
`;

export function filterValues({ language, path }: SearchRepositoryRequest): {
  readonly language: string | null;
  readonly path: string | null;
} {
  return { language: language ?? null, path: path?.replace(/\/+$/, '') ?? null };
}
