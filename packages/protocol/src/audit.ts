/** Who did what, to which task, when, and what was refused: `query_audit`. */
import type { Actor } from './actor.js';
import type { TaskStatus } from './task-status.js';

/** All that are given must match. Times are epoch milliseconds, both ends included. */
export interface AuditFilter {
  /** Actor id. */
  readonly actor?: string;
  readonly appName?: string;
  readonly taskIds?: readonly string[];
  readonly taskTypes?: readonly string[];
  /** Stored types of events, e.g. `TaskPaused`, `CommandRefused`. */
  readonly events?: readonly string[];
  readonly workerId?: string;
  readonly correlationId?: string;
  /** Only what was refused (true), or only what happened (false). */
  readonly refused?: boolean;
  readonly atFrom?: number;
  readonly atTo?: number;
}

export interface AuditRequest extends AuditFilter {
  /** `desc`, the newest first, by default; the order is that of the log. */
  readonly order?: 'asc' | 'desc';
  /** 100 by default, at most 1,000. */
  readonly limit?: number;
  readonly cursor?: string;
  /** Counts what the filter covers, too. */
  readonly count?: boolean;
}

/** An event as the audit answers it: no data; `get_task_history` has that. */
export interface AuditEvent {
  readonly position: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly eventId: string;
  /** Stored type. */
  readonly type: string;
  readonly revision: number;
  /** That it is about. Missing for events about a task type, or about the service. */
  readonly taskId?: string;
  readonly taskType?: string;
  readonly appName?: string;
  /** The task's status after the event. */
  readonly status?: TaskStatus;
  readonly attempt?: number;
  readonly workerId?: string;
  readonly actor: Actor;
  /** `tcp`, `nats` or `internal`. */
  readonly transport?: string;
  /** The command's effective id. */
  readonly commandId?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  /** What was tried, and why it was refused. */
  readonly refused?: { readonly command: string; readonly code: string; readonly reason: string };
  /** Who, what and what changed, in one line for people; see {@link HistoryEvent}. */
  readonly line: string;
  /** It was brought from another service by `import_task`. */
  readonly imported?: true;
}

export interface AuditPage {
  readonly events: readonly AuditEvent[];
  readonly nextCursor?: string;
  /** When it was asked for: how many events the filter covers, or at least as many. */
  readonly count?: { readonly events: number; readonly exact: boolean };
}

/** What the log holds: `log_stats`. */
export interface LogStats {
  readonly logId: string;
  /** `sqlite` or `eventstoredb`. */
  readonly kind: string;
  /** Of the newest event; missing while the log is empty. */
  readonly head?: string;
  readonly events: number;
  readonly tasks: number;
  readonly refusals: number;
  /** Epoch milliseconds of the first and the last event. */
  readonly firstAt?: number;
  readonly lastAt?: number;
  readonly byType: Readonly<Record<string, number>>;
  /** Size of the file with what is not yet folded into it; missing where the log is no file. */
  readonly bytes?: number;
}
