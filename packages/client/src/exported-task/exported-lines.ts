/** A task as a file: a header, a line for each event as it lies in the log, a footer. NDJSON. */
import { createHash } from 'node:crypto';
import type { ExportPage } from '@taskmanager/protocol';

export const EXPORT_FORMAT = 'taskmanager-task';
export const EXPORT_VERSION = 1;

/** The first line. */
export interface ExportHeader {
  readonly format: typeof EXPORT_FORMAT;
  readonly version: typeof EXPORT_VERSION;
  readonly taskId: string;
  readonly taskType: string;
  readonly appName: string;
  /** The log that it lies in: eight hex digits. */
  readonly logId: string;
  /** Epoch milliseconds. */
  readonly exportedAt: number;
}

/** The last line: without it the file is not whole. */
export interface ExportFooter {
  readonly events: number;
  readonly refusals: number;
  /** SHA-256 in hex over all lines before, each with a line feed behind it. */
  readonly sha256: string;
}

/**
 * What JSON leaves as it is, though some readers end a line there, and a terminal acts on it: control
 * characters, line separators, what turns the direction of text.
 */

const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const lineOf = (value: object): string =>
  JSON.stringify(value).replace(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Lines without line feeds, made page by page: never more than one page is in memory. */
export async function* exportedLines(
  pageAt: (cursor: string | undefined) => Promise<ExportPage>,
  now: () => number,
): AsyncGenerator<string, void> {
  const hash = createHash('sha256');
  const hashed = (value: object): string => {
    const line = lineOf(value);
    hash.update(`${line}\n`);
    return line;
  };
  const counts = { events: 0, refusals: 0 };
  let page = await pageAt(undefined);
  yield hashed(headerOf(page, now()));
  for (;;) {
    for (const event of page.events) {
      counts[event.stream.startsWith('task-') ? 'events' : 'refusals'] += 1;
      yield hashed(event);
    }
    if (page.nextCursor === undefined) break;
    page = await pageAt(page.nextCursor);
  }
  yield JSON.stringify({ ...counts, sha256: hash.digest('hex') } satisfies ExportFooter);
}

function headerOf({ taskId, logId, events: [first] }: ExportPage, exportedAt: number) {
  const { taskType, appName } = JSON.parse(first?.metadata ?? '{}') as ExportHeader;
  const about = { taskId, taskType, appName, logId, exportedAt };
  return { format: EXPORT_FORMAT, version: EXPORT_VERSION, ...about } satisfies ExportHeader;
}
