import { type handleBidiStreamingCall, type ServiceError } from '@grpc/grpc-js';
import { type streams } from '../generated.js';
import { type ExpectedRevision } from '../store/expected-revision.js';
import { type ProposedEvent, sizeOf } from '../store/recorded-event.js';
import { MAX_APPEND_SIZE, streamName } from './append.js';
import { writeUnder } from './append-fault.js';
import * as answers from './batch-answers.js';
import { BatchCall } from './batch-call.js';
import { invalidArgument, notLeader } from './errors.js';
import { type Node } from './node.js';
import { toProposedEvent, toUuid } from './proposed-event.js';

type Answer = streams.BatchAppendResp;

/** An append whose frames are still coming in. */
interface Append extends answers.Asked {
  readonly events: ProposedEvent[];
  size: number;
  refused?: Answer;
}

/**
 * Streams.BatchAppend: many appends on one call, each told by its correlation id. The first frame of an
 * append has its options, the last says that it is; each append has one answer.
 */
export const batchAppend =
  (node: Node): handleBidiStreamingCall<streams.BatchAppendReq, Answer> =>
  (call) => {
    const appends = new Map<string, Append>();
    const batch = new BatchCall(node, call);
    call.on('data', (request: streams.BatchAppendReq) => {
      try {
        if (node.faults.notLeader) throw notLeader(node.faults.notLeader);
        const id = toUuid(request.getCorrelationId());
        const append = appends.get(id) ?? begin(request);
        appends.set(id, append);
        takeEvents(append, request);
        if (!request.getIsFinal()) return;
        appends.delete(id);
        void batch.answer(write(node, append));
      } catch (error) {
        batch.failWith(error as ServiceError);
      }
    });
    call.on('end', () => batch.clientEnded());
  };

function begin(request: streams.BatchAppendReq): Append {
  const correlationId = request.getCorrelationId();
  const options = request.getOptions();
  if (!correlationId || !options) throw invalidArgument('An append begins with its options');
  return { correlationId, options, events: [], size: 0 };
}

function takeEvents(append: Append, request: streams.BatchAppendReq): void {
  for (const message of request.getProposedMessagesList()) {
    if (append.refused) return;
    try {
      const event = toProposedEvent(message);
      append.events.push(event);
      append.size += sizeOf(event);
    } catch (error) {
      append.refused = answers.badRequest(append, (error as Error).message);
    }
    if (append.size > MAX_APPEND_SIZE) append.refused = answers.maximumAppendSizeExceeded(append);
  }
}

/** The answer, or nothing if a fault keeps it back; throws what ends the whole call. */
async function write(node: Node, append: Append): Promise<Answer | undefined> {
  if (append.refused) return append.refused;
  // Server: the deadline is a time by the client's clock, looked at before the append is begun.
  const deadline = append.options.getDeadline()?.toDate().getTime() ?? Infinity;
  if (deadline < Date.now()) return answers.deadlineExceeded(append);
  const name = streamName(append.options.getStreamIdentifier());
  const expected = expectedRevision(append.options);
  const answer = await writeUnder(node.faults.meet('appends', name), () =>
    node.store.append(name, expected, append.events),
  );
  switch (answer.outcome) {
    case 'silence':
      return undefined;
    case 'failed':
      throw answer.error;
    case 'refused':
      return answers.ofFault[answer.error](append);
    case 'stream-deleted':
      return answers.streamDeleted(append);
    case 'written':
      return answers.written(append, answer.revision, answer.position);
    case 'wrong-expected-revision':
      return answers.wrongExpectedVersion(append, expected, answer.current);
  }
}

function expectedRevision(options: streams.BatchAppendReq.Options): ExpectedRevision {
  if (options.hasStreamPosition()) return BigInt(options.getStreamPosition());
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasStreamExists()) return 'stream_exists';
  if (options.hasAny()) return 'any';
  throw invalidArgument('The expected revision is missing');
}
