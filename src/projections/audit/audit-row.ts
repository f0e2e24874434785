/** What the audit keeps of one event: computed from the event alone, so that it can be compared with the log. */
import { createHash } from 'node:crypto';
import { offsetOf, TASK_ID_PATTERN } from '@taskmanager/protocol';
import type { RecordedEvent } from '../../event-store/index.js';
import { IMPORT_EVENT_CLASSES } from '../../events/index.js';
import { eventLine } from './event-line.js';

/** Raise it when rows say something else, or otherwise: the audit is then built anew. */
export const AUDIT_VERSION = 2;

/** Actor of events whose metadata cannot be read. */
export const UNREADABLE = 'unreadable';

export interface AuditRow {
  /** The adapter's number of the event's position. */
  readonly offset: number;
  readonly eventId: string;
  readonly stream: string;
  /** The task that an event concerns which lies in no stream of it. */
  readonly about: string | null;
  readonly revision: number;
  readonly type: string;
  /** Epoch milliseconds; 0 when it cannot be read, or no calendar reaches there. */
  readonly at: number;
  readonly actor: string;
  /** JSON text of all of the actor. */
  readonly whole: string;
  readonly app: string | null;
  readonly taskType: string | null;
  readonly worker: string | null;
  readonly correlationId: string | null;
  readonly status: string | null;
  readonly attempt: number | null;
  readonly transport: string | null;
  readonly commandId: string | null;
  readonly causationId: string | null;
  /** JSON text of what was tried and why it was refused. */
  readonly refused: string | null;
  readonly line: string;
}

/** Never throws: an event that cannot be read has a row that says so. */
export function auditRowOf(record: RecordedEvent): AuditRow {
  const metadata = parsed(record.metadata);
  const data = parsed(record.data);
  const actor = parsedActor(metadata?.['actor']);
  const line =
    metadata && data && actor
      ? eventLine(record.type, data, metadata)
      : `${eventLine(record.type, undefined, undefined)}, but what is stored cannot be read`;
  return {
    offset: Number(offsetOf(record.position)),
    eventId: record.id,
    stream: record.stream,
    about: aboutOf(record.type, data),
    revision: Number(record.revision),
    type: record.type,
    at: time(metadata?.['timestamp']),
    actor: actor?.id ?? UNREADABLE,
    whole: JSON.stringify(actor ?? { id: UNREADABLE, roles: [], verified: false }),
    app: text(metadata?.['appName']),
    taskType: text(metadata?.['taskType']),
    worker: text(metadata?.['workerId']),
    correlationId: text(metadata?.['$correlationId']),
    status: text(metadata?.['status']),
    attempt: whole(metadata?.['attempt']),
    transport: text(metadata?.['transport']),
    commandId: text(metadata?.['commandId']),
    causationId: text(metadata?.['$causationId']),
    refused: record.type === 'CommandRefused' ? refusedOf(data) : null,
    line,
  };
}

/** Whether the event could be read as one. */
export function isReadable({ actor, at }: AuditRow): boolean {
  return actor !== UNREADABLE && at !== 0;
}

/** A number that stands for a text, of 48 bits: small to keep, and hardly ever the same for two. */
export function numberOf(written: string): number {
  return createHash('sha1').update(written).digest().readUIntBE(0, 6);
}

type Fields = Readonly<Record<string, unknown>>;

function parsed(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

function parsedActor(value: unknown): { readonly id: string } | undefined {
  const { id } = (value ?? {}) as { id?: unknown };
  return typeof id === 'string' ? (value as { readonly id: string }) : undefined;
}

function aboutOf(type: string, data: Fields | undefined): string | null {
  const fields = type === 'AdminCommandSent' ? data?.['args'] : IMPORTS.has(type) && data;
  const { taskId } = (fields || {}) as { readonly taskId?: unknown };
  return typeof taskId === 'string' && TASK_ID_PATTERN.test(taskId) ? taskId : null;
}

const IMPORTS: ReadonlySet<string> = new Set(IMPORT_EVENT_CLASSES.map(({ type }) => type));

/** The last moment that a Date can tell. */
const LAST_MS = 8.64e15;

function time(value: unknown): number {
  const at = whole(value) ?? 0;
  return at >= 0 && at <= LAST_MS ? at : 0;
}

function refusedOf(data: Fields | undefined): string {
  const { command, code, reason } = data ?? {};
  return JSON.stringify({ command: text(command), code: text(code), reason: text(reason) });
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function whole(value: unknown): number | null {
  return Number.isSafeInteger(value) ? (value as number) : null;
}
