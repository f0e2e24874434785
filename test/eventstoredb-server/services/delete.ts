import { type handleUnaryCall, type ServerUnaryCall, type ServiceError } from '@grpc/grpc-js';
import { streams } from '../generated.js';
import { REFUSALS, expectedRevisionOf, streamName } from './append.js';
import { writeUnder } from './append-fault.js';
import { invalidArgument, notLeader, streamDeleted, wrongExpectedVersion } from './errors.js';
import { type Node } from './node.js';

type Request = streams.DeleteReq | streams.TombstoneReq;

/** Streams.Delete: the stream reads as if it had never been, and can be written again. */
export const deleteStream =
  (node: Node): handleUnaryCall<streams.DeleteReq, streams.DeleteResp> =>
  (call, callback) =>
    answer(node, 'delete', call, callback, (offset) => {
      const position = new streams.DeleteResp.Position();
      position.setCommitPosition(offset).setPreparePosition(offset);
      return new streams.DeleteResp().setPosition(position);
    });

/** Streams.Tombstone: the name can never be used again. */
export const tombstoneStream =
  (node: Node): handleUnaryCall<streams.TombstoneReq, streams.TombstoneResp> =>
  (call, callback) =>
    answer(node, 'tombstone', call, callback, (offset) => {
      const position = new streams.TombstoneResp.Position();
      position.setCommitPosition(offset).setPreparePosition(offset);
      return new streams.TombstoneResp().setPosition(position);
    });

type How = 'delete' | 'tombstone';

function answer<Response>(
  node: Node,
  how: How,
  call: ServerUnaryCall<Request, Response>,
  callback: (error: ServiceError | null, response?: Response) => void,
  toResponse: (offset: string) => Response,
): void {
  const ended = node.calls.begin(how);
  call.on('cancelled', ended);
  void carryOut(node, how, call.request).then(
    (position) => {
      if (position === undefined) return;
      ended();
      callback(null, toResponse(String(position)));
    },
    (error: ServiceError) => {
      ended();
      callback(error);
    },
  );
}

/** The position of the event that ends the stream; undefined if a fault keeps the answer back. */
async function carryOut(node: Node, how: How, request: Request): Promise<number | undefined> {
  if (node.faults.notLeader) throw notLeader(node.faults.notLeader);
  const options = request.getOptions();
  if (!options) throw invalidArgument('A deletion needs options');
  const name = streamName(options.getStreamIdentifier());
  const expected = expectedRevisionOf(options);
  const answer = await writeUnder(node.faults.meet('appends', name), () =>
    node.store[how](name, expected),
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
    case 'wrong-expected-revision':
      throw wrongExpectedVersion(name, expected, answer.current);
    case 'written':
      return answer.position;
  }
}
