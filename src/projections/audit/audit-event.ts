import {
  type Actor,
  type AuditEvent,
  formatPosition,
  type TaskStatus,
} from '@taskmanager/protocol';
import { taskIdOfAny } from '../../events/index.js';
import type { AuditRow } from './audit-row.js';

/** A row as `query_audit` answers it. */
export function auditEventOf(row: AuditRow, logId: string): AuditEvent {
  const { taskType, app, status, attempt, worker, transport } = row;
  const { commandId, correlationId, causationId, refused, stream } = row;
  const taskId = taskIdOfAny(stream) ?? row.about ?? undefined;
  return {
    position: formatPosition(logId, row.offset),
    at: row.at,
    eventId: row.eventId,
    type: row.type,
    revision: row.revision,
    ...(taskId !== undefined && { taskId }),
    ...(taskType !== null && { taskType }),
    ...(app !== null && { appName: app }),
    ...(status !== null && { status: status as TaskStatus }),
    ...(attempt !== null && { attempt }),
    ...(worker !== null && { workerId: worker }),
    actor: actorOf(row.whole),
    ...(transport !== null && { transport }),
    ...(commandId !== null && { commandId }),
    ...(correlationId !== null && { correlationId }),
    ...(causationId !== null && { causationId }),
    ...(refused !== null && { refused: JSON.parse(refused) as AuditEvent['refused'] }),
    line: row.line,
    ...(stream.startsWith('imported-') && { imported: true }),
  };
}

/** Of an event that was changed it may say anything: who reads it finds the fields of an actor. */
function actorOf(whole: string): Actor {
  const { id, roles, verified } = JSON.parse(whole) as Partial<Record<keyof Actor, unknown>>;
  return {
    id: String(id),
    roles: Array.isArray(roles) ? roles.map(String) : [],
    verified: verified === true,
  };
}
