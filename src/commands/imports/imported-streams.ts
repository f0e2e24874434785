import type { ExportedEvent } from '@taskmanager/protocol';
import { Refusal } from '../../context/index.js';
import { type EventLog, type NewEvent, streamPages } from '../../event-store/index.js';
import {
  describeExported,
  type ImportedHistory,
  NOTHING_YET,
  type Part,
  withEvent,
} from './imported-history.js';

/** Events compared at a time: each may hold payloads. */
const PAGE = 200;
/** What helps where something else lies in the place of an import that is not complete. */
const ANEW = 'An import that is not complete can be begun anew (anew: true).';
/** EventStoreDB takes 1 MiB in one append by default; a character is up to three bytes. */
const MAX_CHARS = 256 * 1024;

/**
 * What is here of a task that is being imported, checked as when it came: this release may know better
 * than the one that took it. @throws Refusal CONFLICT that names the event
 */
export async function readImported(
  log: EventLog,
  taskId: string,
  parts: readonly Part[],
): Promise<ImportedHistory> {
  let history = NOTHING_YET;
  for (const part of parts) {
    for await (const page of streamPages(log, part.stream)) {
      for (const { revision, id, type, data, metadata } of page) {
        const texts = { id, type, data, metadata };
        const event = { stream: part.original, revision: Number(revision), ...texts };
        try {
          history = withEvent(history, taskId, part, event);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          throw new Refusal('CONFLICT', `${error.message} ${ANEW}`, error.details);
        }
      }
    }
  }
  return history;
}

/** What was sent before has to be what lies there. @throws Refusal CONFLICT that names the event */
export async function compareImported(
  log: EventLog,
  { stream }: Part,
  events: readonly ExportedEvent[],
): Promise<void> {
  for (let start = 0; start < events.length;) {
    const from = BigInt(events[start]?.revision ?? 0);
    const page = await log.readStream(stream, {
      from,
      limit: Math.min(PAGE, events.length - start),
    });
    if (page.length === 0) throw differs(events[start]);
    for (const { revision, id, type, data, metadata } of page) {
      const sent = events[start];
      const isSame =
        sent &&
        BigInt(sent.revision) === revision &&
        sent.id === id &&
        sent.type === type &&
        sent.data === data &&
        sent.metadata === metadata;
      if (!isSame) throw differs(sent);
      start += 1;
    }
  }
}

/** @param after revision of the stream's last event; −1 for none. Rejects with RevisionConflict */
export async function appendImported(
  log: EventLog,
  { stream }: Part,
  after: number,
  events: readonly ExportedEvent[],
): Promise<void> {
  let revision = after;
  for (const append of appendsOf(events)) {
    await log.append(stream, revision < 0 ? 'no_stream' : BigInt(revision), append);
    revision += append.length;
  }
}

function* appendsOf(events: readonly ExportedEvent[]): Generator<readonly NewEvent[]> {
  let append: NewEvent[] = [];
  let chars = 0;
  for (const { id, type, data, metadata } of events) {
    const length = data.length + metadata.length;
    if (append.length > 0 && chars + length > MAX_CHARS) {
      yield append;
      append = [];
      chars = 0;
    }
    append.push({ id, type, data, metadata });
    chars += length;
  }
  if (append.length > 0) yield append;
}

function differs(event: ExportedEvent | undefined): Refusal {
  return new Refusal(
    'CONFLICT',
    `${event ? describeExported(event) : 'An event'} is not the one that was imported before at its place. Nothing was written. ${ANEW}`,
    {
      field: 'events',
      ...(event && { stream: event.stream, revision: event.revision, eventId: event.id }),
    },
  );
}
