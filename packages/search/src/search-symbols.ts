/** Finds symbols by the beginning of their names, in the order of the names. */
import type { SearchMatch, SearchRepositoryRequest, SymbolKind } from '@taskmanager/protocol';
import type { Database } from '@taskmanager/sqlite-driver';
import { excerptOf } from './excerpt.js';
import { decodeCursor } from './search-cursor.js';
import { FILE_FILTER, filterValues, type Found } from './search-filter.js';

interface Row {
  readonly id: number;
  readonly name: string;
  readonly kind: SymbolKind;
  readonly line: number;
  readonly file: number;
  readonly path: string;
  readonly language: string | null;
}

/** Sorts behind all that begins with what is in front of it. */
const LAST = '\u{10ffff}';

export function* searchSymbols(
  database: Database,
  request: SearchRepositoryRequest,
): Generator<Found> {
  const [fromName, fromId] = decodeCursor(request.cursor);
  const rows = database
    .prepare<object, Row>(
      `SELECT s.id, s.name, s.kind, s.line, s.file, files.path, files.language
       FROM symbols s JOIN files ON files.id = s.file
       WHERE s.name >= @from AND s.name < @to AND (s.name > @from OR s.id > @id)
         AND (@kind IS NULL OR s.kind = @kind) ${FILE_FILTER} ORDER BY s.name, s.id`,
    )
    .iterate({
      from: request.cursor === undefined ? request.text : fromName,
      to: request.text + LAST,
      id: fromId,
      kind: request.symbolKind ?? null,
      ...filterValues(request),
    });
  const content = database
    .prepare<[number], string>('SELECT text FROM texts WHERE rowid = ?')
    .pluck();
  for (const { id, name, kind, line, file, path, language } of rows) {
    const text = lineOf(content.get(file) ?? '', line);
    const at = text.indexOf(name);
    const match: SearchMatch = {
      path,
      ...(language !== null && { language }),
      line,
      ...excerptOf(text, at < 0 ? [] : [[at, at + name.length]]),
      symbol: { name, kind },
    };
    yield { match, after: [name, id] };
  }
}

function lineOf(content: string, line: number): string {
  let start = 0;
  for (let at = 1; at < line; at += 1) start = content.indexOf('\n', start) + 1;
  const end = content.indexOf('\n', start);
  return content.slice(start, end < 0 ? undefined : end);
}
