import type { ExpectedRevision } from '../event-log.port.js';

/** An event as it is sent. */
export interface EncodedEvent {
  readonly id: string;
  readonly type: string;
  readonly contentType: 'application/json' | 'application/octet-stream';
  readonly data: Buffer;
  readonly metadata: Buffer;
}

export interface AppendRequest {
  /** A UUID, by which its answer is known. */
  readonly correlationId: string;
  readonly stream: string;
  readonly expected: ExpectedRevision;
  /** Epoch milliseconds: the server does not begin it after that. */
  readonly deadline: number;
  readonly events: readonly EncodedEvent[];
}

/** A message that is longer goes in parts: the server takes 16 MiB. */
const PART_BYTES = 3 * 1024 * 1024;

/**
 * `BatchAppendReq` of the client's streams.proto, with its field numbers. The client itself writes each
 * event twice, and its bytes as base64 in between, which is a third of all that an append costs it.
 */
export function* encodeAppend(request: AppendRequest): Generator<Buffer> {
  const { correlationId, stream, expected, deadline, events } = request;
  const id = nested(1, uuid(correlationId));
  const options = nested(
    2,
    nested(1, text(3, stream)),
    expectation(expected),
    nested(6, number(1, Math.floor(deadline / 1_000))),
  );
  let part = [id, options];
  let size = 0;
  for (const event of events) {
    const message = nested(3, eventMessage(event));
    if (size > 0 && size + message.length > PART_BYTES) {
      yield Buffer.concat(part);
      part = [id];
      size = 0;
    }
    part.push(message);
    size += message.length;
  }
  yield Buffer.concat([...part, LAST_PART]);
}

const eventMessage = ({ id, type, contentType, data, metadata }: EncodedEvent): Buffer =>
  Buffer.concat([
    nested(1, uuid(id)),
    nested(2, text(1, 'type'), text(2, type)),
    nested(2, text(1, 'content-type'), text(2, contentType)),
    bytes(3, metadata),
    bytes(4, data),
  ]);

function expectation(expected: ExpectedRevision): Buffer {
  if (expected === 'no_stream') return bytes(3, NOTHING);
  if (expected === 'any') return bytes(4, NOTHING);
  if (expected === 'stream_exists') return bytes(5, NOTHING);
  return number(2, Number(expected));
}

const NOTHING = Buffer.alloc(0);
const uuid = (id: string): Buffer => text(2, id);
const text = (field: number, value: string): Buffer => bytes(field, Buffer.from(value));
const bytes = (field: number, value: Buffer): Buffer =>
  Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);
const nested = (field: number, ...parts: Buffer[]): Buffer => bytes(field, Buffer.concat(parts));
const number = (field: number, value: number): Buffer =>
  Buffer.concat([varint(field * 8), varint(value)]);

/** Seven bits in each byte, the lowest first; exact up to 2^53. */
function varint(value: number): Buffer {
  const all: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) all.push((rest % 128) + 128);
  return Buffer.from([...all, rest]);
}

const LAST_PART = number(4, 1);
