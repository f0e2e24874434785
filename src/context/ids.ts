import { hash } from 'node:crypto';
import { v7 } from 'uuid';

/** New ids come from here and nowhere else (DESIGN §6.7), so that tests can set them. */
export abstract class Ids {
  /** A fresh UUID. */
  abstract next(): string;
}

export class TimeOrderedIds extends Ids {
  next(): string {
    return v7();
  }
}

/** Bytes of a UUID in a name-based one's digest. */
const UUID_BYTES = 16;
/** UTF-8 needs no more for a UTF-16 code unit. */
const MOST_BYTES_PER_UNIT = 3;
/** Most names fit; nothing waits between writing into it and hashing. */
const SCRATCH = Buffer.allocUnsafeSlow(2 * 1024);
const VARIANTS = ['8', '9', 'a', 'b'];

/** Version 5 UUID (RFC 9562): the same namespace and name give the same id, for ever. */
export function uuidV5(namespace: string, name: string): string {
  const most = UUID_BYTES + name.length * MOST_BYTES_PER_UNIT;
  const bytes = most <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafe(most);
  bytes.write(namespace.replaceAll('-', ''), 'hex');
  const length = UUID_BYTES + bytes.write(name, UUID_BYTES);
  const digest = hash('sha1', bytes.subarray(0, length), 'hex');
  const variant = VARIANTS[parseInt(digest.charAt(16), 16) & 0x3];
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

/** Namespace of every id that the service derives from a name. Never changes: ids in logs depend on it. */
const NAMESPACE = 'b1b0a3c4-6d0f-5e0a-9c55-7461736b6d67';

/** The id under which a client's command takes effect (DESIGN §6.2): scoped by who sent it. */
export const clientCommandId = (actorId: string, commandId: string): string =>
  uuidV5(NAMESPACE, `client:${actorId}:${commandId}`);

/** The id of one command that a filter command sends to one task. */
export const perTaskCommandId = (effectiveId: string, taskId: string): string =>
  uuidV5(effectiveId, taskId);

/** The client's id of a command in a batch that has an id and gives its commands none. */
export const batchedCommandId = (batchId: string, index: number): string =>
  uuidV5(batchId, `batch:${index}`);

/** The id of a command that a saga sends about an event. */
export const sagaCommandId = (saga: string, eventId: string, index: number): string =>
  uuidV5(NAMESPACE, `saga:${saga}:${eventId}:${index}`);

/** The id of what approvers are told: one for each kind and due time of a request, however often it is sent. */
export const noticeId = (
  taskId: string,
  requestedAt: number,
  kind: string,
  dueAt: number,
): string => uuidV5(NAMESPACE, `notice:${taskId}/${requestedAt}/${kind}:${dueAt}`);

/** The id of the event that a command appends at this place in its list. */
export const eventId = (effectiveId: string, stream: string, index: number): string =>
  uuidV5(effectiveId, `${stream}/${index}`);

/** The id of a task that an app names by a key of its own. */
export const taskIdOfKey = (appName: string, key: string): string =>
  uuidV5(uuidV5(NAMESPACE, `app:${appName}`), key);

/** The id of a task that only its command names. */
export const taskIdOfCommand = (commandId: string): string =>
  uuidV5(NAMESPACE, `create:${commandId}`);
