import { type ServerWritableStream, type ServiceError } from '@grpc/grpc-js';
import { randomUUID } from 'node:crypto';
import { type streams } from '../generated.js';
import { notLeader, streamDeleted } from './errors.js';
import { type Node, requiresLeader } from './node.js';
import { eventsToRead } from './read-events.js';
import {
  caughtUpMessage,
  checkpointMessage,
  confirmationMessage,
  fellBehindMessage,
  notFoundMessage,
} from './read-messages.js';
import { ReadOutput, ReadOver } from './read-output.js';
import { type ReadRequest, parseReadRequest } from './read-request.js';
import { sourceOf } from './subscription-source.js';

type Call = ServerWritableStream<streams.ReadReq, Buffer>;

/** Streams.Read: all reads, and all catch-up subscriptions, which are reads without an end. */
export const read =
  (node: Node) =>
  (call: Call): void => {
    let request: ReadRequest;
    try {
      request = parseReadRequest(call.request);
    } catch (error) {
      call.emit('error', error);
      return;
    }
    const subscribing = request.count === undefined;
    const calls = subscribing ? node.openCalls.subscriptions : node.openCalls.reads;
    const fault = node.faults.meet(subscribing ? 'subscriptions' : 'reads', request.stream);
    const counted = node.calls.begin(subscribing ? 'subscribe' : 'read');
    const output = new ReadOutput(call, request.structuredIds, fault, () => {
      calls.delete(output);
      counted();
    });
    calls.add(output);
    void answer(node, call, request, output).catch((error: unknown) => {
      if (!(error instanceof ReadOver)) output.failWith(error as ServiceError);
    });
  };

async function answer(
  node: Node,
  call: Call,
  request: ReadRequest,
  output: ReadOutput,
): Promise<void> {
  const { notLeader: leader } = node.faults;
  if (leader && requiresLeader(call.metadata)) throw notLeader(leader);
  await output.begin();
  if (node.store.isTombstoned(request.stream)) throw streamDeleted(request.stream);
  if (request.count === undefined) return subscribe(node, request, output);

  const events = eventsToRead(node.store, request);
  if (!events) await output.send(notFoundMessage(request.stream));
  let left = request.count;
  for (const event of events ?? []) {
    if (left === 0) break;
    if (request.filter && !request.filter.matches(event)) continue;
    await output.sendEvent(event);
    left -= 1;
  }
  output.end();
}

/** Server: a live subscription has room for so many events before it falls back to catching up (24.2). */
const LIVE_BUFFER = 32;

/** Server: a confirmation first, then what stands in the log, then the word that it caught up, then live events. */
async function subscribe({ store }: Node, request: ReadRequest, output: ReadOutput): Promise<void> {
  const { filter } = request;
  const source = sourceOf(store, request);
  await output.send(confirmationMessage(randomUUID()));
  let considered = 0;
  let live = false;
  const sendCheckpoint = async (): Promise<void> => {
    const position = source.position();
    if (filter && position !== undefined) await output.send(checkpointMessage(position));
    considered = 0;
  };
  for (;;) {
    const event = source.take();
    if (event) {
      considered += 1;
      if (!filter || filter.matches(event)) await output.sendEvent(event);
      // Server: a checkpoint for so many events considered, sent or not; without a filter there are none.
      if (filter && considered >= filter.checkpointInterval) await sendCheckpoint();
      if (live && source.behind() > LIVE_BUFFER) {
        live = false;
        await sendCheckpoint();
        await output.send(fellBehindMessage());
      }
    } else if (!live) {
      live = true;
      // Server: from 24.2 on a checkpoint comes with the change to live, also if nothing matched.
      await sendCheckpoint();
      await output.send(caughtUpMessage());
    } else {
      await store.log.nextCommit(output.signal);
      if (output.signal.aborted) throw new ReadOver();
    }
  }
}
