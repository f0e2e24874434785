import { validate } from 'uuid';
import { type shared } from '../generated.js';
import { type ProposedEvent } from '../store/recorded-event.js';
import { invalidArgument, missingMetadata } from './errors.js';

/** The part that the messages of Append and BatchAppend have in common. */
interface ProposedMessage {
  getId(): shared.UUID | undefined;
  getMetadataMap(): { get(key: string): string | undefined };
  getData_asU8(): Uint8Array;
  getCustomMetadata_asU8(): Uint8Array;
}

/** Throws the status with which the server refuses a message that lacks something. */
export function toProposedEvent(message: ProposedMessage): ProposedEvent {
  const map = message.getMetadataMap();
  const type = map.get('type');
  const contentType = map.get('content-type');
  if (!type || !contentType) throw missingMetadata('type', 'content-type');
  return {
    id: toUuid(message.getId()),
    type,
    contentType,
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

/** Server: an id comes as a string or as two halves of 64 bits, the high one first (Uuid). */
export function toUuid(uuid: shared.UUID | undefined): string {
  if (uuid?.hasString() && validate(uuid.getString())) return uuid.getString().toLowerCase();
  const halves = uuid?.getStructured();
  if (!halves) throw invalidArgument('An id is no UUID');
  const hex = [halves.getMostSignificantBits(), halves.getLeastSignificantBits()]
    .map((half) => BigInt.asUintN(64, BigInt(half)).toString(16).padStart(16, '0'))
    .join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
