/** Snapshots lie outside of the hash chains: each is held beside the events that it was made of. */
import type { HistoryProblem } from '@taskmanager/protocol';
import { falseSnapshot, mayHaveSnapshot } from '../commands/task-snapshot.js';
import type { EventLog } from '../event-store/index.js';
import { TASK_STREAM_PREFIX } from '../events/index.js';
import { taskOf } from './history-check.js';

/** What the snapshot of a stream says wrongly; undefined when it is right, or none is used. */
export async function snapshotProblem(
  log: EventLog,
  { stream, revision: last }: { readonly stream: string; readonly revision: number },
  turn: () => Promise<void>,
): Promise<HistoryProblem | undefined> {
  if (!stream.startsWith(TASK_STREAM_PREFIX) || !mayHaveSnapshot(last)) return undefined;
  const found = await falseSnapshot(log, stream, turn);
  if (!found) return undefined;
  const { revision, text } = found;
  return {
    code: 'false_snapshot',
    text: `The snapshot of ${stream} at revision ${revision} ${text}.`,
    stream,
    ...taskOf(stream),
    revision,
  };
}
