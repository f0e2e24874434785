import type { HistoryReport, HistorySeal, Position } from '@taskmanager/protocol';
import type { EventLog } from '../event-store/index.js';
import { type JobWork, Pace } from '../jobs/index.js';
import { HistoryScan } from './history-scan.js';
import { holdBeside, type SealVerdict } from './history-seal.js';
import type { HistoryWitness } from './history-witness.port.js';
import { snapshotProblem } from './snapshot-check.js';
import { missingSince, withWitness } from './witness-check.js';

const STREAMS_A_TURN = 250;

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
  await checkSnapshots(log, scan, work);
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

/** Streams that may have one; the others cost nothing. */
async function checkSnapshots(log: EventLog, { check }: HistoryScan, work: JobWork): Promise<void> {
  const pace = new Pace();
  const turn = async () => {
    await pace.turn();
    work.signal.throwIfAborted();
  };
  let done = 0;
  for (const end of check.ends) {
    const problem = await snapshotProblem(log, end, turn);
    if (problem) check.add(problem);
    done += 1;
    if (done % STREAMS_A_TURN !== 0) continue;
    work.report({ step: 'snapshots', done, total: check.ends.size, unit: 'streams' });
    await turn();
  }
}
