import { status as Code } from '@grpc/grpc-js';
import { type AppendError } from '../fault-settings.js';
import { any, empty, shared, status, streams } from '../generated.js';
import { type ExpectedRevision } from '../store/expected-revision.js';
import { MAX_APPEND_SIZE } from './append.js';

/** What an answer repeats of the append that it answers. */
export interface Asked {
  readonly correlationId: shared.UUID;
  readonly options: streams.BatchAppendReq.Options;
}

type Answer = streams.BatchAppendResp;

/** `revision` is -1n for a stream that has no event yet. */
export function written(asked: Asked, revision: bigint, position: number): Answer {
  const success = new streams.BatchAppendResp.Success();
  if (revision < 0n) success.setNoStream(new empty.Empty());
  else success.setCurrentRevision(String(revision));
  const inAll = new shared.AllStreamPosition();
  inAll.setCommitPosition(String(position));
  inAll.setPreparePosition(String(position));
  return answerTo(asked).setSuccess(success.setPosition(inAll));
}

/** `current` is -1n for a stream that has no event yet. */
export function wrongExpectedVersion(
  asked: Asked,
  expected: ExpectedRevision,
  current: bigint,
): Answer {
  const detail = new shared.WrongExpectedVersion();
  if (current < 0n) detail.setCurrentNoStream(new empty.Empty());
  else detail.setCurrentStreamRevision(String(current));
  if (expected === 'any') detail.setExpectedAny(new empty.Empty());
  else if (expected === 'no_stream') detail.setExpectedNoStream(new empty.Empty());
  else if (expected === 'stream_exists') detail.setExpectedStreamExists(new empty.Empty());
  else detail.setExpectedStreamPosition(String(expected));
  return refusal(asked, Code.FAILED_PRECONDITION, 'Wrong expected revision', {
    type: 'event_store.client.WrongExpectedVersion',
    message: detail,
  });
}

export const streamDeleted = (asked: Asked): Answer =>
  refusal(asked, Code.FAILED_PRECONDITION, 'The stream is tombstoned', {
    type: 'event_store.client.StreamDeleted',
    message: new shared.StreamDeleted().setStreamIdentifier(asked.options.getStreamIdentifier()),
  });

export const maximumAppendSizeExceeded = (asked: Asked): Answer =>
  refusal(asked, Code.INVALID_ARGUMENT, `An append has at most ${MAX_APPEND_SIZE} bytes`, {
    type: 'event_store.client.MaximumAppendSizeExceeded',
    message: new shared.MaximumAppendSizeExceeded().setMaxappendsize(MAX_APPEND_SIZE),
  });

/** The client has no name for it: it says that it could not recognise the error. */
export const badRequest = (asked: Asked, text: string): Answer =>
  refusal(asked, Code.INVALID_ARGUMENT, text, {
    type: 'event_store.client.BadRequest',
    message: new shared.BadRequest().setMessage(text),
  });

export const deadlineExceeded = (asked: Asked): Answer =>
  refusal(asked, Code.DEADLINE_EXCEEDED, 'The deadline is over', {
    type: 'event_store.client.Timeout',
    message: new shared.Timeout(),
  });

export const ofFault: Record<AppendError, (asked: Asked) => Answer> = {
  timeout: deadlineExceeded,
  'access-denied': (asked) =>
    refusal(asked, Code.PERMISSION_DENIED, 'Access denied', {
      type: 'event_store.client.AccessDenied',
      message: new shared.AccessDenied(),
    }),
  unknown: (asked) =>
    refusal(asked, Code.UNKNOWN, 'Unknown error', {
      type: 'event_store.client.Unknown',
      message: new shared.Unknown(),
    }),
  // Server: not being ready has no type of its own, only a text.
  'not-ready': (asked) =>
    refusal(asked, Code.UNAVAILABLE, 'Server is not ready', {
      type: 'google.protobuf.Empty',
      message: new empty.Empty(),
    }),
};

/** Server: an error of one append is a google.rpc.Status whose detail tells by its type what it is. */
function refusal(
  asked: Asked,
  code: Code,
  text: string,
  detail: { readonly type: string; readonly message: { serializeBinary(): Uint8Array } },
): Answer {
  const packed = new any.Any();
  packed.pack(detail.message.serializeBinary(), detail.type);
  const error = new status.Status();
  error.setCode(code as number);
  error.setMessage(text);
  error.setDetails(packed);
  return answerTo(asked).setError(error);
}

/** Server: the answer repeats the stream and what was expected of it. */
function answerTo({ correlationId, options }: Asked): Answer {
  const answer = new streams.BatchAppendResp();
  answer.setCorrelationId(correlationId);
  answer.setStreamIdentifier(options.getStreamIdentifier());
  if (options.hasStreamPosition()) answer.setStreamPosition(options.getStreamPosition());
  else if (options.hasNoStream()) answer.setNoStream(new empty.Empty());
  else if (options.hasStreamExists()) answer.setStreamExists(new empty.Empty());
  else answer.setAny(new empty.Empty());
  return answer;
}
