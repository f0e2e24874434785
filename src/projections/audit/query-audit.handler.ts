import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import {
  type AuditEvent,
  type AuditPage,
  formatPosition,
  isPosition,
  LIMITS,
  logIdOf,
  offsetOf,
} from '@taskmanager/protocol';
import { ImportedTasks } from '../../commands/imported-tasks.port.js';
import { queryContextOf, Refusal } from '../../context/index.js';
import { EventLog } from '../../event-store/index.js';
import { maySee } from '../visibility.js';
import { auditEventOf } from './audit-event.js';
import { AuditReader } from './audit-reader.js';
import type { AuditSearchRequest } from './audit-search.js';
import { QueryAudit } from './query-audit.query.js';

@QueryHandler(QueryAudit)
export class QueryAuditHandler implements IQueryHandler<QueryAudit, AuditPage> {
  constructor(
    private readonly reader: AuditReader,
    private readonly log: EventLog,
    private readonly imports: ImportedTasks,
  ) {}

  async execute(query: QueryAudit): Promise<AuditPage> {
    const { after, apps } = queryContextOf(query);
    await this.imports.ready();
    const request = this.requestOf(query, apps);
    const { rows, next, count } = await this.reader.read(
      { ...(after && { after }), now: query.cursor === undefined },
      (thread, file) => thread.call('page', file, request),
    );
    const { logId } = this.log;
    const events: AuditEvent[] = [];
    let bytes = 0;
    let last = next;
    for (const row of rows) {
      const event = auditEventOf(row, logId);
      bytes += Buffer.byteLength(JSON.stringify(event)) + 1;
      if (events.length > 0 && bytes > LIMITS.answerBytes) {
        last = rows[events.length - 1]?.offset;
        break;
      }
      events.push(event);
    }
    return {
      events,
      ...(last !== undefined && { nextCursor: formatPosition(logId, last) }),
      ...(count && { count }),
    };
  }

  private requestOf(query: QueryAudit, apps: readonly string[] | undefined): AuditSearchRequest {
    const { appName, cursor, order = 'desc', limit = LIMITS.eventPageDefault, ...filter } = query;
    const seen = appName === undefined ? apps : [appName].filter((each) => maySee(apps, each));
    const beyond = cursor === undefined ? undefined : this.placeOf(cursor);
    return {
      ...filter,
      order,
      limit,
      unseen: this.imports.unseen(),
      ...(seen && { apps: seen }),
      confined: apps !== undefined,
      ...(beyond !== undefined && { beyond }),
    };
  }

  /** A cursor is the position of the last event that was looked at. */
  private placeOf(cursor: string): number {
    if (isPosition(cursor) && logIdOf(cursor) === this.log.logId) return Number(offsetOf(cursor));
    throw new Refusal('VALIDATION_FAILED', 'cursor must be the nextCursor of the page before.', {
      field: 'cursor',
    });
  }
}
