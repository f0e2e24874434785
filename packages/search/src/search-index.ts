/** Searches one index file: opened only to be read, for one page. */
import type { SearchAnswer, SearchMatch, SearchRepositoryRequest } from '@taskmanager/protocol';
import Sqlite, { type Database } from '@taskmanager/sqlite-driver';
import { INDEX_VERSION, isIndex } from './index-schema.js';
import { encodeCursor } from './search-cursor.js';
import { SearchProblem } from './search-problem.js';
import { searchSymbols } from './search-symbols.js';
import { searchTexts } from './search-texts.js';

export const SEARCH_PAGE_DEFAULT = 100;
/** What an answer may hold, as JSON; a page that is longer ends there, with a cursor. */
const ANSWER_CHARACTERS = 512 * 1024;

/** @throws SearchProblem */
export function searchIndex(file: string, request: SearchRepositoryRequest): SearchAnswer {
  const database = open(file);
  try {
    // One state of the index for all that is read of it.
    return database.transaction(() => search(database, request))();
  } catch (error) {
    if (error instanceof SearchProblem) throw error;
    throw new SearchProblem('UNAVAILABLE', `The index cannot be read: ${String(error)}`);
  } finally {
    database.close();
  }
}

function open(file: string): Database {
  try {
    const database = new Sqlite(file, { readonly: true, fileMustExist: true, timeout: 1_000 });
    const version = database.pragma('user_version', { simple: true });
    if (version === INDEX_VERSION && isIndex(database)) return database;
    database.close();
  } catch (error) {
    throw new SearchProblem(
      'UNAVAILABLE',
      `The index cannot be opened: ${String(error)}. Index the directory again if it stays so.`,
    );
  }
  throw new SearchProblem(
    'VALIDATION_FAILED',
    'The directory was indexed by another version: index it again.',
    'directory',
  );
}

function search(database: Database, request: SearchRepositoryRequest): SearchAnswer {
  const found = request.kind === 'symbol' ? searchSymbols : searchTexts;
  const limit = request.limit ?? SEARCH_PAGE_DEFAULT;
  const matches: SearchMatch[] = [];
  let characters = 0;
  let cursor: string | undefined;
  let more = false;
  for (const { match, after } of found(database, request)) {
    more = matches.length === limit || characters > ANSWER_CHARACTERS;
    if (more) break;
    matches.push(match);
    characters += JSON.stringify(match).length;
    cursor = encodeCursor(after);
  }
  const run = database
    .prepare<[], { commit_id: string | null; ended_at: number | null }>(
      'SELECT commit_id, ended_at FROM runs',
    )
    .get();
  return {
    matches,
    ...(more && cursor !== undefined && { nextCursor: cursor }),
    ...(run?.ended_at != null && { indexedAt: run.ended_at }),
    ...(run?.commit_id != null && { commit: run.commit_id }),
  };
}
