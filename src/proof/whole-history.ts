import type { HistoryReport, HistorySeal, Position } from '@taskmanager/protocol';
import type { EventLog } from '../event-store/index.js';
import type { JobWork } from '../jobs/index.js';
import { HistoryScan } from './history-scan.js';
import { holdBeside, type SealVerdict } from './history-seal.js';
import type { HistoryWitness } from './history-witness.port.js';
import { missingSince, withWitness } from './witness-check.js';

/** Work of a job: checks every stream of the log as far as it goes now, beside a seal and a witness. */
export async function verifyWholeHistory(
  log: EventLog,
  work: JobWork,
  { seal, witness }: { readonly seal?: HistorySeal; readonly witness?: HistoryWitness },
): Promise<HistoryReport> {
  const head = await log.head();
  const scan = new HistoryScan(log, work, head);
  const { check } = scan;
  let verdict: SealVerdict | undefined;
  let sealed = 0;
  if (seal) {
    await scan.upTo(seal.position as Position);
    sealed = check.events;
    verdict = await holdBeside(seal, scan, head);
    if (verdict.problem) check.add(verdict.problem);
  }
  if (head !== undefined) await scan.upTo(head);
  check.end();
  const unwitnessed = await withWitness(witness, async (asked) => {
    const gone = missingSince(asked, log, check.ends, work.signal);
    for await (const problem of gone) check.add(problem);
  });
  work.signal.throwIfAborted();
  const { events, ends, position, problems, problemCount } = check;
  return {
    ok: problemCount === 0,
    events,
    streams: ends.size,
    ...(position !== undefined && { position }),
    problems,
    problemCount,
    ...(unwitnessed !== undefined && { unwitnessed }),
    ...(verdict && { seal: { ...verdict.outcome, eventsSince: events - sealed } }),
  };
}
