import { Refusal } from '../context/index.js';
import { bodyOf, errorBody } from './error-body.js';
import type { Reply } from './exchange.js';

/** What a caller marks a request with; Nest's clients take a text. */
export type PacketId = string | number;

/** Nest's reply packet as JSON text; `id` is left out when the request had none. */
export function replyText(reply: Reply, id: PacketId | undefined): string {
  const tail =
    id === undefined ? '"isDisposed":true}' : `"isDisposed":true,"id":${JSON.stringify(id)}}`;
  if ('err' in reply) return `{"err":${JSON.stringify(reply.err)},${tail}`;
  // Undefined for undefined, whatever its type says.
  const response: string | undefined = JSON.stringify(reply.response);
  if (response === undefined) return `{${tail}`;
  return `{"response":${response},${tail}`;
}

/** For a reply that the way back does not take. */
export function tooLargeReply(correlationId: string, bytes: number, limit: number): Reply {
  const refusal = new Refusal(
    'PAYLOAD_TOO_LARGE',
    `The answer has ${bytes} bytes and the broker takes ${limit}: ask for less, with limit.`,
    { bytes, limit },
  );
  return { err: bodyOf(refusal, correlationId) };
}

export function unwritableReply(error: unknown, correlationId: string, subject: string): Reply {
  return { err: errorBody(error, correlationId, subject) };
}
