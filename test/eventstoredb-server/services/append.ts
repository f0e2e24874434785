import { type handleClientStreamingCall, type ServiceError } from '@grpc/grpc-js';
import { type AppendError } from '../fault-settings.js';
import { shared, streams } from '../generated.js';
import { type ExpectedRevision } from '../store/expected-revision.js';
import { type ProposedEvent, sizeOf } from '../store/recorded-event.js';
import { writeUnder } from './append-fault.js';
import {
  accessDenied,
  invalidArgument,
  maximumAppendSizeExceeded,
  notLeader,
  notReady,
  streamDeleted,
  timedOut,
  unknown,
} from './errors.js';
import { type Node } from './node.js';
import { toProposedEvent } from './proposed-event.js';

/** Server: an append has at most 1 MiB (MaxAppendSize, up to 24.x). */
export const MAX_APPEND_SIZE = 1024 * 1024;

/** Streams.Append: first the options, then an event a message; written when the client ends its side. */
export const append =
  (node: Node): handleClientStreamingCall<streams.AppendReq, streams.AppendResp> =>
  (call, callback) => {
    const ended = node.calls.begin('append');
    call.on('cancelled', ended);
    const requests: streams.AppendReq[] = [];
    call.on('data', (request: streams.AppendReq) => requests.push(request));
    call.on('end', () => {
      void write(node, requests).then(
        (response) => {
          if (!response) return;
          ended();
          callback(null, response);
        },
        (error: ServiceError) => {
          ended();
          callback(error);
        },
      );
    });
  };

/** The answer, or nothing if a fault keeps it back; throws the status of a refusal. */
async function write(
  node: Node,
  requests: readonly streams.AppendReq[],
): Promise<streams.AppendResp | undefined> {
  if (node.faults.notLeader) throw notLeader(node.faults.notLeader);
  const options = requests[0]?.getOptions();
  if (!options) throw invalidArgument('An append begins with its options');
  const events = proposedEvents(requests);
  const name = streamName(options.getStreamIdentifier());
  const expected = expectedRevisionOf(options);
  const answer = await writeUnder(node.faults.meet('appends', name), () =>
    node.store.append(name, expected, events),
  );
  switch (answer.outcome) {
    case 'silence':
      return undefined;
    case 'failed':
      throw answer.error;
    case 'refused':
      throw REFUSALS[answer.error]();
    case 'stream-deleted':
      throw streamDeleted(name);
    case 'written':
      return written(answer.revision, answer.position);
    case 'wrong-expected-revision':
      return wrongExpectedVersion(expected, answer.current);
  }
}

function proposedEvents(requests: readonly streams.AppendReq[]): ProposedEvent[] {
  const messages = requests.flatMap((request) => request.getProposedMessage() ?? []);
  const events = messages.map(toProposedEvent);
  const size = events.reduce((sum, event) => sum + sizeOf(event), 0);
  if (size > MAX_APPEND_SIZE) throw maximumAppendSizeExceeded(MAX_APPEND_SIZE);
  return events;
}

function written(revision: bigint, position: number): streams.AppendResp {
  const success = new streams.AppendResp.Success();
  if (revision < 0n) success.setNoStream(new shared.Empty());
  else success.setCurrentRevision(String(revision));
  const inAll = new streams.AppendResp.Position();
  inAll.setCommitPosition(String(position));
  inAll.setPreparePosition(String(position));
  return new streams.AppendResp().setSuccess(success.setPosition(inAll));
}

/** Server: a conflict is an answer of its own, no error. */
function wrongExpectedVersion(expected: ExpectedRevision, current: bigint): streams.AppendResp {
  const conflict = new streams.AppendResp.WrongExpectedVersion();
  if (current < 0n) conflict.setCurrentNoStream(new shared.Empty());
  else conflict.setCurrentRevision(String(current));
  if (expected === 'any') conflict.setExpectedAny(new shared.Empty());
  else if (expected === 'no_stream') conflict.setExpectedNoStream(new shared.Empty());
  else if (expected === 'stream_exists') conflict.setExpectedStreamExists(new shared.Empty());
  else conflict.setExpectedRevision(String(expected));
  return new streams.AppendResp().setWrongExpectedVersion(conflict);
}

export const streamName = (identifier: shared.StreamIdentifier | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');

/** The expectation of Append, Delete and Tombstone, which say it alike. */
export function expectedRevisionOf(options: {
  hasRevision(): boolean;
  getRevision(): string;
  hasNoStream(): boolean;
  hasStreamExists(): boolean;
  hasAny(): boolean;
}): ExpectedRevision {
  if (options.hasRevision()) return BigInt(options.getRevision());
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasStreamExists()) return 'stream_exists';
  if (options.hasAny()) return 'any';
  throw invalidArgument('The expected revision is missing');
}

export const REFUSALS: Record<AppendError, () => ServiceError> = {
  timeout: timedOut,
  'access-denied': accessDenied,
  unknown,
  'not-ready': notReady,
};
