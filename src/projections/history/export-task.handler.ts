import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { type ExportedEvent, type ExportPage, LIMITS } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { EventLog, type RecordedEvent } from '../../event-store/index.js';
import { maySee, taskNotFound } from '../visibility.js';
import { ExportTask } from './export-task.query.js';
import { TaskHistories } from './task-histories.js';

/** Events read at a time: large ones fill an answer long before the limit. */
const PAGE = 100;
/** What an event adds to the answer beside its texts, in bytes. */
const ENVELOPE_BYTES = 250;

type Part = 'events' | 'refusals';

/**
 * Pages of a task's events, then of its refusals, as stored. A deleted task can be exported as any other,
 * and an imported one once more: as it came, and from where it came.
 */
@QueryHandler(ExportTask)
export class ExportTaskHandler implements IQueryHandler<ExportTask, ExportPage> {
  constructor(
    private readonly log: EventLog,
    private readonly histories: TaskHistories,
  ) {}

  async execute(query: ExportTask): Promise<ExportPage> {
    const { id, limit = LIMITS.eventPage, cursor = 'events:0' } = query;
    const history = await this.histories.find(id);
    if (!history || !maySee(queryContextOf(query).apps, history.appName)) throw taskNotFound(id);
    const about = { taskId: id, logId: history.imported?.fromLog ?? this.log.logId };
    const events: ExportedEvent[] = [];
    let bytes = 0;
    let [part, from] = placeOf(cursor);
    for (;;) {
      const size = Math.min(PAGE, limit + 1 - events.length);
      const options = { from: BigInt(from), limit: size };
      const page = await (part === 'events'
        ? history.read(options)
        : history.readRefusals(options));
      for (const record of page) {
        const event = exported(record);
        bytes += sizeOf(event);
        const isFull = events.length === limit || (events.length > 0 && bytes > LIMITS.answerBytes);
        if (isFull) return { ...about, events, nextCursor: `${part}:${event.revision}` };
        events.push(event);
      }
      from += page.length;
      if (page.length === size) continue;
      if (part === 'refusals') return { ...about, events };
      [part, from] = ['refusals', 0];
    }
  }
}

function placeOf(cursor: string): [Part, number] {
  const [part, from] = cursor.split(':');
  return [part === 'refusals' ? 'refusals' : 'events', Number(from)];
}

const exported = ({
  stream,
  revision,
  id,
  type,
  data,
  metadata,
}: RecordedEvent): ExportedEvent => ({
  stream,
  revision: Number(revision),
  id,
  type,
  data,
  metadata,
});

/** As JSON text in JSON text: each of its quotes takes two bytes. */
function sizeOf({ data, metadata }: ExportedEvent): number {
  return (
    Buffer.byteLength(JSON.stringify(data)) +
    Buffer.byteLength(JSON.stringify(metadata)) +
    ENVELOPE_BYTES
  );
}
