import { randomUUID } from 'node:crypto';
import { type AppendResult, UnknownError } from '@eventstore/db-client';
import { unpackToCommandError } from '@eventstore/db-client/dist/streams/appendToStream/unpackError.js';
import { convertToCommandError, parseUUID } from '@eventstore/db-client/dist/utils/index.js';
import type { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import pb, { type BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { type AppendRequest, encodeAppend } from './append-request.js';

const PATH = '/event_store.client.streams.Streams/BatchAppend';

/** What of the call is needed here. */
export type AppendCall = ReturnType<typeof openAppendCall>;

interface Waiting {
  readonly call: AppendCall;
  readonly stream: string;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
}

/** One call that carries all appends of a client: bytes out, answers back. */
export function openAppendCall(
  grpc: StreamsClient,
  args: readonly [Parameters<StreamsClient['batchAppend']>[0], object],
) {
  const [metadata, options] = args;
  return grpc.makeBidiStreamRequest<Buffer, BatchAppendResp>(
    PATH,
    (message) => message,
    (message) => pb.BatchAppendResp.deserializeBinary(message),
    metadata as never,
    options,
  );
}

/**
 * The appends of one client and their answers. In the client's own way of doing it all clients of a
 * process share one table of who waits for which answer, where an error of one rejects the appends of
 * all, and an answer that comes afterwards ends the process.
 */
export class AppendStream {
  private readonly waiting = new Map<string, Waiting>();
  private arrived: BatchAppendResp[] = [];

  /** To be told of each call when it is made. */
  listen(call: AppendCall): void {
    call.on('data', (answer: BatchAppendResp) => {
      // They come one in a turn; taken together, what follows from them is sent together too.
      if (this.arrived.push(answer) === 1) setImmediate(() => this.takeAll());
    });
    call.on('error', (error: Error) => this.fail(call, error));
  }

  /** Rejects with an error of the client; without a time limit, like all of it. */
  append(call: AppendCall, append: Omit<AppendRequest, 'correlationId'>): Promise<AppendResult> {
    const correlationId = randomUUID();
    return new Promise((resolve, reject) => {
      this.waiting.set(correlationId, { call, stream: append.stream, resolve, reject });
      for (const part of encodeAppend({ ...append, correlationId })) call.write(part);
    });
  }

  private takeAll(): void {
    const { arrived } = this;
    this.arrived = [];
    for (const answer of arrived) {
      try {
        this.take(answer);
      } catch {
        // It cannot be read, and nobody could catch that: the append's own time limit ends it.
      }
    }
  }

  private take(answer: BatchAppendResp): void {
    const id = parseUUID(answer.getCorrelationId()) ?? '';
    const waiting = this.waiting.get(id);
    // Nobody waits for it any more: it was rejected as unknown, and has been asked again.
    if (!waiting) return;
    this.waiting.delete(id);
    const error = answer.getError();
    const success = answer.getSuccess();
    const place = success?.getPosition();
    if (error) waiting.reject(errorOf(error, waiting.stream));
    else if (!success) waiting.reject(new Error('an answer without a result'));
    else {
      waiting.resolve({
        success: true,
        nextExpectedRevision: BigInt(success.getCurrentRevision()),
        position: place && {
          commit: BigInt(place.getCommitPosition()),
          prepare: BigInt(place.getPreparePosition()),
        },
      });
    }
  }

  private fail(call: AppendCall, error: Error): void {
    this.takeAll();
    const reason = convertToCommandError(error);
    for (const [id, waiting] of this.waiting) {
      if (waiting.call !== call) continue;
      this.waiting.delete(id);
      waiting.reject(reason);
    }
  }
}

function errorOf(status: Parameters<typeof unpackToCommandError>[0], stream: string): Error {
  // Without details, which a server gives to every error that it knows, the client would throw.
  if (status.getDetails()) return unpackToCommandError(status, stream);
  return new UnknownError(undefined, status.getMessage());
}
