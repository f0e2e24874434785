import { shared, streams } from '../generated.js';
import { type RecordedEvent } from '../store/recorded-event.js';

const { ReadResp } = streams;
const encode = (response: streams.ReadResp): Buffer => Buffer.from(response.serializeBinary());

/** An event is the same on the wire for all who read it, so it is encoded once. */
const encoded = new WeakMap<RecordedEvent, Buffer>();

export function eventMessage(event: RecordedEvent, structuredIds: boolean): Buffer {
  if (structuredIds) return encode(toReadEvent(event, structuredId(event.id)));
  let message = encoded.get(event);
  if (!message) {
    message = encode(toReadEvent(event, new shared.UUID().setString(event.id)));
    encoded.set(event, message);
  }
  return message;
}

function toReadEvent(event: RecordedEvent, id: shared.UUID): streams.ReadResp {
  const recorded = new ReadResp.ReadEvent.RecordedEvent();
  recorded.setId(id);
  recorded.setStreamIdentifier(identifier(event.stream));
  recorded.setStreamRevision(String(event.revision));
  // Server: for all that came by gRPC both positions are the offset of the record.
  recorded.setCommitPosition(String(event.position));
  recorded.setPreparePosition(String(event.position));
  recorded.setData(event.data);
  recorded.setCustomMetadata(event.metadata);
  const map = recorded.getMetadataMap();
  map.set('type', event.type);
  map.set('content-type', event.contentType);
  // Server: ticks of 100 ns since the Unix epoch.
  map.set('created', `${event.created}0000`);
  const read = new ReadResp.ReadEvent();
  read.setEvent(recorded);
  // Server: from 22.6 on reads of a stream tell the position too.
  read.setCommitPosition(String(event.position));
  return new ReadResp().setEvent(read);
}

function structuredId(id: string): shared.UUID {
  const bits = BigInt(`0x${id.replaceAll('-', '')}`);
  const structured = new shared.UUID.Structured();
  structured.setMostSignificantBits(String(BigInt.asIntN(64, bits >> 64n)));
  structured.setLeastSignificantBits(String(BigInt.asIntN(64, bits)));
  return new shared.UUID().setStructured(structured);
}

const identifier = (stream: string): shared.StreamIdentifier =>
  new shared.StreamIdentifier().setStreamName(Buffer.from(stream));

/** Server: a stream without events is no error of the call, but an answer after which it ends. */
export const notFoundMessage = (stream: string): Buffer => {
  const notFound = new ReadResp.StreamNotFound().setStreamIdentifier(identifier(stream));
  return encode(new ReadResp().setStreamNotFound(notFound));
};

export const confirmationMessage = (id: string): Buffer =>
  encode(
    new ReadResp().setConfirmation(new ReadResp.SubscriptionConfirmation().setSubscriptionId(id)),
  );

export const checkpointMessage = (position: number): Buffer => {
  const checkpoint = new ReadResp.Checkpoint();
  checkpoint.setCommitPosition(String(position));
  checkpoint.setPreparePosition(String(position));
  return encode(new ReadResp().setCheckpoint(checkpoint));
};

export const caughtUpMessage = (): Buffer =>
  encode(new ReadResp().setCaughtUp(new ReadResp.CaughtUp()));

export const fellBehindMessage = (): Buffer =>
  encode(new ReadResp().setFellBehind(new ReadResp.FellBehind()));
