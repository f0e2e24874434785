/** An event as a client proposes it; data and metadata are bytes that the store never looks into. */
export interface ProposedEvent {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** An event as it stands in the log. */
export interface RecordedEvent extends ProposedEvent {
  readonly stream: string;
  /** From 0 in its stream; `TOMBSTONE` for the event that ends a stream for ever. */
  readonly revision: bigint;
  /** Where it stands in $all: a byte offset, so strictly rising with gaps. */
  readonly position: number;
  /** Its number in the log, without gaps. */
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

/** Server: the last event of a tombstoned stream has the highest revision there is (EventNumber). */
export const TOMBSTONE = 2n ** 63n - 1n;

/** Server: the size of an event is its data, its metadata and its type in UTF-16 (Event.SizeOnDisk). */
export const sizeOf = ({ type, data, metadata }: ProposedEvent): number =>
  data.length + metadata.length + 2 * type.length;
