import { type EventLog, type RecordedEvent, streamPages } from '../../../event-store/index.js';
import { decodeTaskEvent, taskStream } from '../../../events/index.js';
import { type EventFailed, failureOf, type ReplayWork } from '../../../processing/index.js';
import { evolve, type Task } from '../../../task/index.js';

/** How a fold went. */
export interface FoldedStream {
  /** Events that were folded. */
  readonly events: number;
  /** The state after them. */
  readonly task: Task | undefined;
  /** The event that could not be taken; nothing behind it was looked at. */
  readonly failed: EventFailed | undefined;
}

/**
 * Folds a task straight from the log: the second fold, which knows nothing of a view's tables. Before
 * each event `goesOn` is asked, after each `folded` is told.
 */
export async function foldStream(
  log: EventLog,
  taskId: string,
  goesOn: (record: RecordedEvent) => boolean,
  folded: (task: Task) => void,
  work: ReplayWork,
): Promise<FoldedStream> {
  let task: Task | undefined;
  let events = 0;
  for await (const page of streamPages(log, taskStream(taskId))) {
    for (const record of page) {
      if (!goesOn(record)) return { events, task, failed: undefined };
      try {
        task = evolve(task, decodeTaskEvent(record));
      } catch (error) {
        return { events, task, failed: failureOf(record, error) };
      }
      events += 1;
      folded(task);
    }
    await work.turn();
  }
  return { events, task, failed: undefined };
}
