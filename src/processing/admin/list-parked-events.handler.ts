import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { LIMITS, type ParkedEventInfo, type ParkedEventsPage } from '@taskmanager/protocol';
import { Refusal } from '../../context/index.js';
import type { ParkedEvent } from '../../event-store/index.js';
import { taskIdOfStream } from '../../events/index.js';
import { ProcessorRunner } from '../processor-runner.js';
import { knownRun } from './known-run.js';
import { ListParkedEvents } from './list-parked-events.query.js';

/** The last event of a page: processors come by name, their events by position. */
type Cursor = readonly [processor: string, position: string];

@QueryHandler(ListParkedEvents)
export class ListParkedEventsHandler implements IQueryHandler<ListParkedEvents, ParkedEventsPage> {
  constructor(private readonly runner: ProcessorRunner) {}

  async execute(query: ListParkedEvents): Promise<ParkedEventsPage> {
    const { processor, limit = LIMITS.listPageDefault } = query;
    const after = query.cursor === undefined ? undefined : cursorOf(query.cursor);
    const all = this.runner.runs();
    const runs = processor === undefined ? all : [knownRun(all, processor, 'processor')];
    const events: ParkedEventInfo[] = [];
    let bytes = 0;
    for (const run of [...runs].sort((a, b) => compare(a.name, b.name))) {
      if (after && run.name < after[0]) continue;
      for (const parked of await run.parked()) {
        if (after && run.name === after[0] && parked.position <= after[1]) continue;
        const event = infoOf(parked);
        bytes += Buffer.byteLength(JSON.stringify(event)) + 1;
        const isFull = events.length === limit || (events.length > 0 && bytes > LIMITS.answerBytes);
        if (isFull) return { events, ...nextCursor(events) };
        events.push(event);
      }
    }
    return { events };
  }
}

function infoOf(parked: ParkedEvent): ParkedEventInfo {
  const { processor, stream, revision, position, eventId, type } = parked;
  const { error, attempts, parkedAt, wanted } = parked;
  return {
    processor,
    taskId: taskIdOfStream(stream),
    revision,
    position,
    eventId,
    ...(type !== undefined && { type }),
    error,
    attempts,
    parkedAt,
    ...(wanted && { wanted }),
  };
}

function nextCursor(events: readonly ParkedEventInfo[]): { nextCursor?: string } {
  const last = events.at(-1);
  if (!last) return {};
  const cursor: Cursor = [last.processor, last.position];
  return { nextCursor: Buffer.from(JSON.stringify(cursor)).toString('base64url') };
}

/** @throws Refusal VALIDATION_FAILED */
function cursorOf(text: string): Cursor {
  try {
    const cursor: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (Array.isArray(cursor) && cursor.length === 2) {
      const [processor, position] = cursor as unknown[];
      if (typeof processor === 'string' && typeof position === 'string')
        return [processor, position];
    }
  } catch {
    // Falls through: whatever is wrong with it, it is no cursor of ours.
  }
  throw new Refusal('VALIDATION_FAILED', 'cursor must be the nextCursor of the page before.', {
    field: 'cursor',
  });
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
