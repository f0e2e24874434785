/** Whether imported histories end where they ended when they were complete, as TaskImported says. */
import type { HistoryProblem } from '@taskmanager/protocol';
import { describeEvent, type RecordedEvent } from '../event-store/index.js';
import {
  type ChainEnds,
  importedRefusalStream,
  importedStream,
  importEventRegistry,
  type TaskImportedData,
} from '../events/index.js';

type Whole = Pick<TaskImportedData, 'taskId' | 'events' | 'refusals' | 'head'>;

/** Told of the events of the stream of imports, in their order. */
export class ImportsCheck {
  private readonly begun = new Map<string, number>();
  private readonly complete = new Map<string, { readonly whole: Whole; readonly said: string }>();

  /** An event that cannot be read says nothing here: its chain has told of it. */
  see(record: RecordedEvent): void {
    try {
      const { event } = importEventRegistry.decode(record);
      const { taskId } = event.data;
      if (this.complete.has(taskId)) return;
      if (event.type === 'TaskImportBegun') {
        this.begun.set(taskId, (this.begun.get(taskId) ?? 0) + 1);
      } else this.complete.set(taskId, { whole: event.data, said: describeEvent(record) });
    } catch {
      return;
    }
  }

  /** Of each import whose histories end elsewhere. */
  *problems(ends: Pick<ChainEnds, 'revisionOf' | 'hashOf'>): Generator<HistoryProblem, void> {
    for (const [taskId, { whole, said }] of this.complete) {
      const problem = importProblem(whole, this.begun.get(taskId) ?? 1, ends, said);
      if (problem) yield problem;
    }
  }
}

/** @param said what names the event that said so */
export function importProblem(
  { taskId, events, refusals, head }: Whole,
  begun: number,
  ends: Pick<ChainEnds, 'revisionOf' | 'hashOf'>,
  said = 'TaskImported',
): HistoryProblem | undefined {
  const stream = importedStream(taskId, begun);
  for (const [name, due] of [
    [stream, events],
    [importedRefusalStream(taskId, begun), refusals],
  ] as const) {
    const here = ends.revisionOf(name) + 1;
    if (here === due) continue;
    const text = `${name} has ${here} events, and ${said} says that ${due} were imported.`;
    const revision = Math.min(here, due);
    return {
      code: here < due ? 'stream_cut' : 'hash_mismatch',
      text,
      stream: name,
      taskId,
      revision,
    };
  }
  if (ends.hashOf(stream) === head) return undefined;
  const text = `${stream} does not end with the hash that ${said} says: it was replaced by another history.`;
  return { code: 'hash_mismatch', text, stream, taskId, revision: events - 1 };
}
