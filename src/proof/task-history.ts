import { setImmediate } from 'node:timers/promises';
import type { HistoryProblem, HistoryVerdict } from '@taskmanager/protocol';
import type { EventLog } from '../event-store/index.js';
import {
  importedRefusalStream,
  importedStream,
  refusalStream,
  taskStream,
} from '../events/index.js';
import { HistoryCheck } from './history-check.js';
import type { HistoryWitness } from './history-witness.port.js';
import { missingOf, withWitness } from './witness-check.js';

const PAGE = 250;

/**
 * Checks what the log has of one task, its own or imported, and what a witness has seen of it. A task
 * that nobody knows has no events, no refusals and no problems.
 */
export async function verifyTaskHistory(
  log: EventLog,
  id: string,
  witness: HistoryWitness | undefined,
): Promise<HistoryVerdict> {
  const problems: HistoryProblem[] = [];
  let unwitnessed: string | undefined;
  const read = async (stream: string): Promise<{ events: number; head: string }> => {
    const { ends, events, problems: found } = await checkStream(log, stream);
    problems.push(...found);
    const why = await withWitness(witness, async (asked) => {
      const cut = await missingOf(asked, log, stream, ends.revisionOf(stream));
      if (cut) problems.push(cut);
    });
    // An answer about another stream says nothing of this one.
    unwitnessed ??= why;
    return { events, head: ends.hashOf(stream) };
  };
  const own = await read(taskStream(id));
  const history = own.events > 0 ? own : await read(importedStream(id));
  const refusals = await read(
    own.events > 0 || history.events === 0 ? refusalStream(id) : importedRefusalStream(id),
  );
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

async function checkStream(log: EventLog, stream: string): Promise<HistoryCheck> {
  const check = new HistoryCheck();
  for (let from = 0n; ;) {
    const page = await log.readStream(stream, { from, limit: PAGE });
    for (const event of page) check.see(event);
    const last = page.at(-1);
    if (!last || page.length < PAGE) return check;
    from = last.revision + 1n;
    await setImmediate();
  }
}
