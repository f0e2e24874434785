import type { ExportedEvent, ImportAnswer, ImportTaskRequest } from '@taskmanager/protocol';
import { TaskManagerError } from '../errors.js';
import { ExportedFile } from './exported-file.js';

/** One request takes 1 MiB; what one event takes at most is far below what is left. */
const PIECE_BYTES = 384 * 1024;
const PIECE_EVENTS = 500;

export interface ImportOptions {
  /** What came before of an import of this task that is not complete counts no more. */
  readonly anew?: boolean | undefined;
}

export type Lines = AsyncIterable<string> | Iterable<string>;

/**
 * Reads the lines twice: first all of them are checked, then they are sent in pieces. Lines that can be
 * had only once are kept in memory; from a function that opens the file, one piece is.
 */
export async function importFile(
  lines: Lines | (() => Lines),
  send: (piece: ImportTaskRequest) => Promise<ImportAnswer>,
  { anew }: ImportOptions = {},
): Promise<ImportAnswer> {
  const open = typeof lines === 'function' ? lines : await kept(lines);
  const { footer } = await checked(open());
  const file = new ExportedFile();
  let events: ExportedEvent[] = [];
  let bytes = 0;
  let isFirst = true;
  const next = (complete?: ImportTaskRequest['complete']): Promise<ImportAnswer> => {
    const { taskId, logId: fromLog } = file.header;
    const first = isFirst && anew ? { anew } : {};
    isFirst = false;
    return send({ taskId, fromLog, events, ...first, ...(complete && { complete }) });
  };
  for await (const line of open()) {
    const event = file.take(line);
    if (!event) continue;
    const size = Buffer.byteLength(line);
    if (events.length === PIECE_EVENTS || (events.length > 0 && bytes + size > PIECE_BYTES)) {
      await next();
      events = [];
      bytes = 0;
    }
    events.push(event);
    bytes += size;
  }
  if (file.footer.sha256 !== footer.sha256) {
    throw new TaskManagerError('VALIDATION_FAILED', 'importTask: the file changed meanwhile');
  }
  return next({ events: footer.events, refusals: footer.refusals });
}

async function kept(lines: Lines): Promise<() => Lines> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return () => all;
}

async function checked(lines: Lines): Promise<ExportedFile> {
  const file = new ExportedFile();
  for await (const line of lines) file.take(line);
  return file;
}
