import { Logger } from '@nestjs/common';
import { type HistoryProblem, isPosition, type Position } from '@taskmanager/protocol';
import type { EventLog } from '../event-store/index.js';
import type { ChainEnds } from '../events/index.js';
import { taskOf } from './history-check.js';
import { endOf } from './history-seal.js';
import type { HistoryWitness, WitnessedHead } from './history-witness.port.js';

const PAGE = 500;
const logger = new Logger('Proof');

/**
 * Asks a witness who may not be there, or may fail: the log is checked all the same. Answers why it was
 * not asked; undefined when it was.
 */
export async function withWitness(
  witness: HistoryWitness | undefined,
  ask: (witness: HistoryWitness) => Promise<void>,
): Promise<string | undefined> {
  if (!witness) return 'Nobody remembers here how far each stream went.';
  try {
    await ask(witness);
    const silent = await witness.silent();
    return silent === 0
      ? undefined
      : `${silent} file(s) of the audit could not be asked how far each stream went: another release wrote them, or they cannot be read.`;
  } catch (error) {
    // What went wrong may name files, and whoever may see a task may ask.
    logger.warn(`The audit could not be asked how far each stream went: ${String(error)}`);
    return 'The audit could not be asked how far each stream went; the log of the service says why.';
  }
}

/**
 * What the witness has seen and the log no longer has: streams whose end is gone, and the end of the log
 * itself, once for all streams that ended in it.
 * @param ends as the log tells them, as of some time before
 */
export async function* missingSince(
  witness: HistoryWitness,
  log: EventLog,
  ends: ChainEnds,
  signal: AbortSignal,
): AsyncGenerator<HistoryProblem, void> {
  let furthest: WitnessedHead | undefined;
  let beyond = 0;
  for (let after: string | undefined; ;) {
    signal.throwIfAborted();
    const heads = await witness.heads(after, PAGE);
    const logHead = await log.head();
    for (const head of heads) {
      const known = ends.revisionOf(head.stream);
      if (known >= head.revision || (await isThere(log, head))) continue;
      if (isBeyond(head, logHead)) {
        beyond += 1;
        if (!furthest || head.position > furthest.position) furthest = head;
      } else {
        yield streamCut(head, known);
      }
    }
    if (heads.length < PAGE) break;
    after = heads.at(-1)?.stream;
  }
  if (furthest) yield logCut(furthest, beyond, await log.head());
}

/** As {@link missingSince}, of one stream. */
export async function missingOf(
  witness: HistoryWitness,
  log: EventLog,
  stream: string,
  known: number,
): Promise<HistoryProblem | undefined> {
  const [head] = await witness.heads(justBefore(stream), 1);
  if (head?.stream !== stream || known >= head.revision || (await isThere(log, head))) {
    return undefined;
  }
  return streamCut(head, known);
}

/** The witness may know what was appended since the log was read. */
async function isThere(log: EventLog, { stream, revision }: WitnessedHead): Promise<boolean> {
  const [event] = await log.readStream(stream, { from: BigInt(revision), limit: 1 });
  return event !== undefined;
}

const isBeyond = ({ position }: WitnessedHead, head: Position | undefined): boolean =>
  isPosition(position) && (head === undefined || position > head);

function streamCut(head: WitnessedHead, known: number): HistoryProblem {
  const { stream, revision, type, eventId, position } = head;
  const first = known + 1;
  const missing = first === revision ? `revision ${revision}` : `revisions ${first} to ${revision}`;
  return {
    code: 'stream_cut',
    text: `The end of ${stream} is gone: ${missing}. Its last known event is ${type} ${eventId} at ${position}.`,
    stream,
    ...taskOf(stream),
    revision: first,
    position,
    eventId,
    type,
  };
}

function logCut(
  { stream, revision, type, eventId, position }: WitnessedHead,
  streams: number,
  head: Position | undefined,
): HistoryProblem {
  return {
    code: 'log_cut',
    text: `The end of the log is gone: it ${endOf(head)}, and ${type} ${eventId} (${stream}, revision ${revision}) was seen at ${position}. Events of ${streams.toLocaleString('en-US')} streams are missing.`,
    position,
    eventId,
    type,
  };
}

/** A name right before this one: no other stream's lies in between. */
const justBefore = (stream: string): string =>
  `${stream.slice(0, -1)}${String.fromCharCode(stream.charCodeAt(stream.length - 1) - 1)}\uffff`;
