import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { type HistoryEvent, type HistoryPage, LIMITS } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { auditRowOf } from '../audit/audit-row.js';
import { eventLine, LINE_LENGTH } from '../audit/event-line.js';
import type { RecordedEvent } from '../../event-store/index.js';
import type { EventMetadata } from '../../events/index.js';
import { maySee, taskNotFound } from '../visibility.js';
import { GetTaskHistory } from './get-task-history.query.js';
import { TaskHistories } from './task-histories.js';

/** Events read at a time: large ones fill an answer long before the limit. */
const PAGE = 100;
/** What an event adds to the answer beside its data and metadata, in bytes. */
const ENVELOPE_BYTES = 400 + 2 * LINE_LENGTH;

/** Answers from the log itself, as stored: no view is asked, no upcaster has touched it. */
@QueryHandler(GetTaskHistory)
export class GetTaskHistoryHandler implements IQueryHandler<GetTaskHistory, HistoryPage> {
  constructor(private readonly histories: TaskHistories) {}

  async execute(query: GetTaskHistory): Promise<HistoryPage> {
    const { id, fromRevision, direction = 'forwards', limit = LIMITS.eventPageDefault } = query;
    const history = await this.histories.find(id);
    if (!history || !maySee(queryContextOf(query).apps, history.appName)) throw taskNotFound(id);
    const events: HistoryEvent[] = [];
    let bytes = 0;
    let from = fromRevision === undefined ? undefined : BigInt(fromRevision);
    for (;;) {
      const size = Math.min(PAGE, limit + 1 - events.length);
      const page = await history.read({ from, direction, limit: size });
      for (const record of page) {
        bytes += sizeOf(record);
        const isFull = events.length === limit || (events.length > 0 && bytes > LIMITS.answerBytes);
        if (isFull) return { events, nextRevision: Number(record.revision) };
        events.push(toHistoryEvent(record));
      }
      const last = page.at(-1);
      if (!last || page.length < size || (direction === 'backwards' && last.revision === 0n)) {
        return { events };
      }
      from = direction === 'forwards' ? last.revision + 1n : last.revision - 1n;
    }
  }
}

function sizeOf({ data, metadata }: RecordedEvent): number {
  return Buffer.byteLength(data) + Buffer.byteLength(metadata) + ENVELOPE_BYTES;
}

type Stored = Pick<HistoryEvent, 'version' | 'at' | 'actor' | 'data' | 'metadata' | 'line'>;

function toHistoryEvent(record: RecordedEvent): HistoryEvent {
  const { id, type, revision, position } = record;
  return {
    id,
    type,
    revision: Number(revision),
    position,
    ...(stored(record) ?? unreadable(record)),
  };
}

function stored({ type, data: text, metadata: about }: RecordedEvent): Stored | undefined {
  try {
    const metadata = JSON.parse(about) as EventMetadata & HistoryEvent['metadata'];
    const data = JSON.parse(text) as HistoryEvent['data'];
    const { version, timestamp: at, actor } = metadata;
    return { version, at, actor, data, metadata, line: eventLine(type, data, metadata) };
  } catch {
    return undefined;
  }
}

/** Whoever looks into what was changed is to see the events around it, as the audit shows them. */
function unreadable(record: RecordedEvent): Stored {
  const { at, line, whole } = auditRowOf(record);
  const actor = JSON.parse(whole) as HistoryEvent['actor'];
  return { version: 0, at, actor, data: {}, metadata: {}, line };
}
