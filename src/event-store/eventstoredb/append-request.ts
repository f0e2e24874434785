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
    const message = nested(3, ...eventFields(event));
    if (size > 0 && size + message.size > PART_BYTES) {
      yield written(part);
      part = [id];
      size = 0;
    }
    part.push(message);
    size += message.size;
  }
  yield written([...part, LAST_PART]);
}

const eventFields = ({ id, type, contentType, data, metadata }: EncodedEvent): Field[] => [
  nested(1, uuid(id)),
  nested(2, text(1, 'type'), text(2, type)),
  nested(2, text(1, 'content-type'), text(2, contentType)),
  bytes(3, metadata),
  bytes(4, data),
];

function expectation(expected: ExpectedRevision): Field {
  if (expected === 'no_stream') return nested(3);
  if (expected === 'any') return nested(4);
  if (expected === 'stream_exists') return nested(5);
  return number(2, Number(expected));
}

/** A field of a message: its size is known before anything is written, so that one buffer takes it all. */
interface Field {
  readonly size: number;
  /** Answers where the next field begins. */
  write(into: Buffer, at: number): number;
}

const uuid = (id: string): Field => text(2, id);

function text(field: number, value: string): Field {
  const length = Buffer.byteLength(value);
  return ofLength(field, length, (into, at) => into.write(value, at));
}

function bytes(field: number, value: Buffer): Field {
  return ofLength(field, value.length, (into, at) => into.set(value, at));
}

function nested(field: number, ...fields: readonly Field[]): Field {
  return ofLength(field, sizeOf(fields), (into, at) => writeAll(fields, into, at));
}

function number(field: number, value: number): Field {
  return {
    size: 1 + varintSize(value),
    write: (into, at) => writeVarint(value, into, writeVarint(field * 8, into, at)),
  };
}

function ofLength(
  field: number,
  length: number,
  content: (into: Buffer, at: number) => unknown,
): Field {
  return {
    size: 1 + varintSize(length) + length,
    write: (into, at) => {
      const start = writeVarint(length, into, writeVarint(field * 8 + 2, into, at));
      content(into, start);
      return start + length;
    },
  };
}

function written(fields: readonly Field[]): Buffer {
  const message = Buffer.allocUnsafe(sizeOf(fields));
  writeAll(fields, message, 0);
  return message;
}

function writeAll(fields: readonly Field[], into: Buffer, start: number): void {
  let at = start;
  for (const field of fields) at = field.write(into, at);
}

function sizeOf(fields: readonly Field[]): number {
  let size = 0;
  for (const field of fields) size += field.size;
  return size;
}

/** Seven bits in each byte, the lowest first; exact up to 2^53. */
function writeVarint(value: number, into: Buffer, start: number): number {
  let at = start;
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) into[at++] = (rest % 128) + 128;
  into[at++] = rest;
  return at;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++;
  return size;
}

const LAST_PART = number(4, 1);
