/** Reads whole rows of an audit file, as they were written. */
import type { Database, Statement } from '@taskmanager/sqlite-driver';
import type { AuditRow } from './audit-row.js';
import { unpacked } from './audit-schema.js';

interface Stored {
  offset: number;
  at: number;
  stream: string;
  type: string;
  actor: string;
  app: string | null;
  task_type: string | null;
  worker: string | null;
  event_id: Uint8Array | string;
  revision: number;
  whole: string;
  status: string | null;
  attempt: number | null;
  transport: string | null;
  command_id: Uint8Array | string | null;
  correlation_id: Uint8Array | string | null;
  causation_id: Uint8Array | string | null;
  refused: string | null;
  line: string;
  about: string | null;
}

const name = (column: string): string => `(SELECT text FROM name WHERE id = ${column})`;

/** Every column of a row `e`, with the names behind the numbers. */
const WHOLE_ROW = `
  SELECT e.offset, e.at, s.name AS stream, ${name('e.type')} AS type, ${name('e.actor')} AS actor,
    ${name('e.app')} AS app, ${name('e.task_type')} AS task_type, ${name('e.worker')} AS worker,
    d.event_id, d.revision, ${name('d.whole')} AS whole, d.status, d.attempt, d.transport,
    d.command_id, d.correlation_id, d.causation_id, d.refused, d.line,
    (SELECT task FROM about WHERE offset = e.offset) AS about
  FROM event e JOIN detail d ON d.offset = e.offset JOIN stream s ON s.id = e.stream`;

export class AuditRows {
  private readonly byOffset: Statement<[number], Stored>;
  private readonly between: Statement<[number, number, number], Stored>;
  private readonly newest: Statement<[], Stored>;

  constructor(db: Database) {
    this.byOffset = db.prepare(`${WHOLE_ROW} WHERE e.offset = ?`);
    this.between = db.prepare(
      `${WHOLE_ROW} WHERE e.offset > ? AND e.offset <= ? ORDER BY e.offset LIMIT ?`,
    );
    this.newest = db.prepare(`${WHOLE_ROW} WHERE e.offset = (SELECT max(offset) FROM event)`);
  }

  at(offset: number): AuditRow | undefined {
    return rowOf(this.byOffset.get(offset));
  }

  last(): AuditRow | undefined {
    return rowOf(this.newest.get());
  }

  /** In the order of the log: strictly after one, up to and with the other. */
  range(after: number, upTo: number, limit: number): AuditRow[] {
    return this.between.all(after, upTo, limit).flatMap((stored) => rowOf(stored) ?? []);
  }
}

function rowOf(stored: Stored | undefined): AuditRow | undefined {
  if (!stored) return undefined;
  const { event_id, task_type, command_id, correlation_id, causation_id, ...same } = stored;
  return {
    ...same,
    eventId: unpacked(event_id) ?? '',
    taskType: task_type,
    commandId: unpacked(command_id),
    correlationId: unpacked(correlation_id),
    causationId: unpacked(causation_id),
  };
}
