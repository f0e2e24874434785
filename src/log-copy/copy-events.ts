import type { Position } from '@taskmanager/protocol';
import {
  type AppendResult,
  type EventLog,
  LogReader,
  LogUnavailable,
  patiently,
  type ReadRange,
  RevisionConflict,
} from '../event-store/index.js';
import { type Append, appendsOf } from './appends.js';
import { OrderBroken, TargetChanged } from './log-copy.errors.js';

export interface CopyOptions extends ReadRange {
  /**
   * Appends under way at once, which the target must write in the order of the calls. 1 keeps the order
   * whatever happens; more is faster, and an append that fails while a later one does not breaks the
   * order, which is found at once and cannot be mended in that target.
   */
  readonly appendsAtOnce: number;
  readonly onProgress?: (copied: number, position: Position) => void;
}

/** Text under way at once, in characters: far below what a write queue takes. */
const MAX_CHARS_AT_ONCE = 4 * 1024 * 1024;

/**
 * Appends the source's events of the range to the target in the log's order, under their ids and at
 * their revisions, and answers how many. Whatever interrupts it leaves a beginning of the source in the
 * target. Rejects with {@link OrderBroken}, {@link TargetChanged}, LogUnavailable, or the signal's reason.
 */
export async function copyEvents(
  source: EventLog,
  target: EventLog,
  options: CopyOptions,
): Promise<number> {
  const { appendsAtOnce, onProgress, signal } = options;
  const reader = new LogReader(source, options);
  let copied = 0;
  let reached: Position | undefined;
  for (;;) {
    const events = await reader.rest();
    if (events.length === 0) return copied;
    for (const appends of windows(appendsOf(events), appendsAtOnce)) {
      signal?.throwIfAborted();
      // All in one turn of the event loop: a log that shares commits then writes them in one.
      const tries = await Promise.allSettled(appends.map((append) => write(target, append)));
      let disturbed = false;
      for (const [index, append] of appends.entries()) {
        const tried = tries[index];
        const failed = tried?.status === 'rejected' ? (tried.reason as Error) : undefined;
        disturbed ||= failed instanceof LogUnavailable;
        const answer =
          tried?.status === 'fulfilled'
            ? tried.value
            : await writeAgain(target, append, disturbed ? undefined : failed, signal);
        checkPlace(append, answer, reached);
        reached = answer.position;
        copied += append.events.length;
      }
      const last = appends.at(-1)?.last;
      if (last) onProgress?.(copied, last.position);
    }
  }
}

const write = (target: EventLog, { stream, expected, events }: Append): Promise<AppendResult> =>
  target.append(stream, expected, events);

/**
 * After the log was away for one append, it and what came behind it are written once more, each in its
 * turn: the same ids at the same place, so that what was written all the same only answers.
 */
async function writeAgain(
  target: EventLog,
  append: Append,
  failure: Error | undefined,
  signal: AbortSignal | undefined,
): Promise<AppendResult> {
  try {
    if (failure) throw failure;
    return await patiently(() => write(target, append), signal);
  } catch (error) {
    if (!(error instanceof RevisionConflict)) throw error;
    throw new TargetChanged(append.last, error.message, { cause: error });
  }
}

function checkPlace(
  { last }: Append,
  { revision, position }: AppendResult,
  before: Position | undefined,
): void {
  if (revision !== last.revision) {
    throw new TargetChanged(last, `it was written at revision ${revision}`);
  }
  if (before !== undefined && position <= before) throw new OrderBroken(last);
}

function* windows(appends: readonly Append[], size: number): Generator<readonly Append[]> {
  let window: Append[] = [];
  let chars = 0;
  for (const append of appends) {
    const full = window.length === size || chars + append.chars > MAX_CHARS_AT_ONCE;
    if (full && window.length > 0) {
      yield window;
      window = [];
      chars = 0;
    }
    window.push(append);
    chars += append.chars;
  }
  if (window.length > 0) yield window;
}
