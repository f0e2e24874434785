/** Finds a text in the lines of the files, by path and line. */
import type { SearchMatch, SearchRepositoryRequest } from '@taskmanager/protocol';
import type { Database } from '@taskmanager/sqlite-driver';
import { MIN_SEARCH_LENGTH } from './index-schema.js';
import { decodeCursor } from './search-cursor.js';
import { FILE_FILTER, filterValues, type Found } from './search-filter.js';
import { SearchProblem } from './search-problem.js';
import { excerptOf } from './excerpt.js';

const MAX_HIGHLIGHTS = 20;

interface File {
  readonly id: number;
  readonly path: string;
  readonly language: string | null;
}

/** @throws SearchProblem for a text that cannot be found */
export function* searchTexts(
  database: Database,
  request: SearchRepositoryRequest,
): Generator<Found> {
  const { text } = request;
  if ([...text].length < MIN_SEARCH_LENGTH)
    throw new SearchProblem(
      'VALIDATION_FAILED',
      `text must have at least ${MIN_SEARCH_LENGTH} characters; fewer do for symbols.`,
      'text',
    );
  const [fromPath, fromLine] = decodeCursor(request.cursor);
  const files = database
    .prepare<object, File>(
      `SELECT files.id, files.path, files.language FROM texts JOIN files ON files.id = texts.rowid
       WHERE texts MATCH @match AND files.path >= @from ${FILE_FILTER} ORDER BY files.path`,
    )
    .all({ match: phrase(text), from: fromPath, ...filterValues(request) });
  const content = database
    .prepare<[number], string>('SELECT text FROM texts WHERE rowid = ?')
    .pluck();
  for (const { id, path, language } of files) {
    const whole = content.get(id) ?? '';
    for (const line of linesWith(whole, text)) {
      if (path === fromPath && line.line <= fromLine) continue;
      const match: SearchMatch = { path, ...(language !== null && { language }), ...line };
      yield { match, after: [path, line.line] };
    }
  }
}

/** The text as it stands, whatever it would mean in the language of FTS5. */
function phrase(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

type Line = Pick<SearchMatch, 'line' | 'text' | 'highlights'>;

function* linesWith(content: string, text: string): Generator<Line> {
  const pattern = new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'giu');
  let line = 1;
  let counted = 0;
  for (let hit = pattern.exec(content); hit; hit = pattern.exec(content)) {
    const start = content.lastIndexOf('\n', hit.index) + 1;
    const newline = content.indexOf('\n', hit.index);
    const end = newline < 0 ? content.length : newline;
    for (
      let at = content.indexOf('\n', counted);
      at >= 0 && at < start;
      at = content.indexOf('\n', counted)
    ) {
      line += 1;
      counted = at + 1;
    }
    const hits: [number, number][] = [];
    for (; hit && hit.index < end; hit = pattern.exec(content)) {
      if (hits.length < MAX_HIGHLIGHTS)
        hits.push([hit.index - start, hit.index - start + hit[0].length]);
    }
    yield { line, ...excerptOf(content.slice(start, end), hits) };
    pattern.lastIndex = end;
  }
}
