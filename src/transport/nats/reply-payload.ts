import { correlationIdOf, type Exchange, type Reply } from '../exchange.js';
import { type PacketId, replyText, tooLargeReply, unwritableReply } from '../reply-text.js';

/** Longer marks are not sent back beside an error that must fit. */
const MAX_ID_CHARS = 1_024;

/**
 * The bytes of a reply; in place of one that the broker would not take, an error that says so.
 * @param maxPayload the broker's limit, bytes
 */
export function replyPayload(
  reply: Reply,
  id: PacketId | undefined,
  { data, subject }: Exchange,
  maxPayload = Infinity,
): Uint8Array {
  let text: string;
  try {
    text = replyText(reply, id);
  } catch (error) {
    text = replyText(unwritableReply(error, correlationIdOf(data), subject), id);
  }
  const payload = Buffer.from(text);
  if (payload.length <= maxPayload) return payload;
  const short = typeof id === 'string' && id.length > MAX_ID_CHARS ? undefined : id;
  return Buffer.from(
    replyText(tooLargeReply(correlationIdOf(data), payload.length, maxPayload), short),
  );
}
