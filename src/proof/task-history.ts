import { setImmediate } from 'node:timers/promises';
import type { HistoryProblem, HistoryVerdict } from '@taskmanager/protocol';
import type { ImportedTask } from '../commands/imported-tasks.port.js';
import { type EventLog, streamPages } from '../event-store/index.js';
import {
  importedRefusalStream,
  importedStream,
  refusalStream,
  taskStream,
} from '../events/index.js';
import { HistoryCheck } from './history-check.js';
import { importProblem } from './imports-check.js';
import type { HistoryWitness } from './history-witness.port.js';
import { snapshotProblem } from './snapshot-check.js';
import { missingOf, withWitness } from './witness-check.js';

/**
 * Checks what the log has of one task, its own or imported, and what a witness has seen of it. A task
 * that nobody knows has no events, no refusals and no problems.
 * @param imported the task's import when it is complete: what else lies there, nobody sees
 * @param turn called after each piece of work; what it throws is thrown
 */
export async function verifyTaskHistory(
  log: EventLog,
  id: string,
  witness: HistoryWitness | undefined,
  imported?: ImportedTask,
  turn: () => Promise<void> = () => setImmediate(),
): Promise<HistoryVerdict> {
  const problems: HistoryProblem[] = [];
  let unwitnessed: string | undefined;
  const read = async (stream: string): Promise<{ events: number; head: string }> => {
    const { ends, events, problems: found } = await checkStream(log, stream, turn);
    problems.push(...found);
    const end = { stream, revision: ends.revisionOf(stream) };
    const wrong = await snapshotProblem(log, end, turn);
    if (wrong) problems.push(wrong);
    const why = await withWitness(witness, async (asked) => {
      const cut = await missingOf(asked, log, stream, end.revision);
      if (cut) problems.push(cut);
    });
    // An answer about another stream says nothing of this one.
    unwitnessed ??= why;
    return { events, head: ends.hashOf(stream) };
  };
  const own = await read(taskStream(id));
  const begun = own.events > 0 ? undefined : imported?.begun;
  const history = begun === undefined ? own : await read(importedStream(id, begun));
  const refusals = await read(
    begun === undefined ? refusalStream(id) : importedRefusalStream(id, begun),
  );
  if (imported && begun !== undefined && problems.length === 0) {
    const here = {
      [importedStream(id, begun)]: history,
      [importedRefusalStream(id, begun)]: refusals,
    };
    const ends = {
      revisionOf: (stream: string) => (here[stream]?.events ?? 0) - 1,
      hashOf: (stream: string) => here[stream]?.head ?? '',
    };
    const differs = importProblem(imported, begun, ends);
    if (differs) problems.push(differs);
  }
  return {
    taskId: id,
    ok: problems.length === 0,
    events: history.events,
    refusals: refusals.events,
    head: history.head,
    problems,
    ...(unwitnessed !== undefined && { unwitnessed }),
  };
}

async function checkStream(
  log: EventLog,
  stream: string,
  turn: () => Promise<void>,
): Promise<HistoryCheck> {
  const check = new HistoryCheck();
  for await (const page of streamPages(log, stream)) {
    for (const event of page) check.see(event);
    await turn();
  }
  return check;
}
