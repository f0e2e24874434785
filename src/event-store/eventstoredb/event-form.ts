import type { MetadataType, RecordedEvent as ClusterEvent } from '@eventstore/db-client';
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { formatPosition, type Position } from '@taskmanager/protocol';
import type { NewEvent, RecordedEvent, Revision } from '../event-log.port.js';
import type { EncodedEvent } from './append-request.js';
import type { StreamNames } from './stream-names.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Stands before metadata that the client must not take for JSON, because it would not come back as text. */
const RAW = 0x1e;
const RAW_MARK = Buffer.from([RAW]);
/** Of an event that another program has written without any. */
const NO_METADATA = '{}';

/** What is sent. The server reads ids only as UUIDs, in small letters as it gives them back. */
export type EventOfClient = EncodedEvent;

export function checkIds(events: readonly NewEvent[]): void {
  for (const { id } of events) {
    if (!UUID.test(id)) throw new TypeError(`The id of an event is a UUID in small letters: ${id}`);
  }
}

/**
 * Text that JSON.stringify would write is JSON in the cluster, all other text is bytes: the client reads
 * JSON as values, of which the text is made again, and either way it comes back as it was.
 */
export function toClient({ id, type, data, metadata }: NewEvent): EventOfClient {
  const contentType = isPlainJson(data) ? 'application/json' : 'application/octet-stream';
  return { id, type, contentType, data: Buffer.from(data), metadata: metadataOf(metadata) };
}

function isPlainJson(text: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}

function metadataOf(text: string): Buffer {
  const bytes = Buffer.from(text);
  return isPlainJson(text) ? bytes : Buffer.concat([RAW_MARK, bytes]);
}

/** An event as it lies in the cluster, with its texts. */
export interface StoredEvent extends NewEvent {
  readonly streamInCluster: string;
  readonly revision: Revision;
  /** Its place in `$all`, as a number: exact up to nine petabytes of log. */
  readonly offset: number;
}

/** Of an event as the client gives it back. */
export function fromClient(event: ClusterEvent): StoredEvent {
  const { id, type, revision, streamId, data, metadata, isJson, position } = event;
  return {
    id,
    type,
    data: isJson ? JSON.stringify(data) : textOf(data),
    metadata: metadataText(metadata),
    streamInCluster: streamId,
    revision,
    offset: Number(position?.commit ?? 0n),
  };
}

/**
 * Of an event as it comes over the wire: what the client makes of it is values, of which the text
 * would have to be made again, and that is half of the work of a replay.
 */
export function fromWire(read: ReadResp.ReadEvent): StoredEvent | undefined {
  const event = read.getEvent();
  if (!event) return undefined;
  return {
    id: event.getId()?.getString() ?? '',
    type: event.getMetadataMap().get('type') ?? '',
    data: textOf(event.getData_asU8()),
    metadata: rawMetadataText(event.getCustomMetadata_asU8()),
    streamInCluster: textOf(event.getStreamIdentifier()?.getStreamName_asU8() ?? new Uint8Array()),
    revision: BigInt(event.getStreamRevision()),
    offset: Number(event.getCommitPosition()),
  };
}

function metadataText(metadata: MetadataType | undefined): string {
  if (metadata === undefined) return NO_METADATA;
  if (!(metadata instanceof Uint8Array)) return JSON.stringify(metadata);
  return rawMetadataText(metadata);
}

function rawMetadataText(bytes: Uint8Array): string {
  if (bytes.length === 0) return NO_METADATA;
  return textOf(bytes[0] === RAW ? bytes.subarray(1) : bytes);
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
}

/** Turns the cluster's events into the port's. */
export class PortEvents {
  constructor(
    private readonly logId: string,
    private readonly names: StreamNames,
  ) {}

  positionOf(offset: number): Position {
    return formatPosition(this.logId, offset);
  }

  /** The position of a head or checkpoint, where 0 stands before the first event. */
  positionAt(offset: number): Position | undefined {
    return offset === 0 ? undefined : this.positionOf(offset);
  }

  /** Undefined for an event that is not of the port. */
  of({ id, type, data, metadata, streamInCluster, revision, offset }: StoredEvent) {
    const stream = this.names.inPort(streamInCluster);
    if (stream === undefined) return undefined;
    const position = this.positionOf(offset);
    return { id, type, data, metadata, stream, revision, position } satisfies RecordedEvent;
  }
}
