import type { ErrorBody } from './errors.js';
import type { TaskInfo } from './task-info.js';
import type { TaskStatus } from './task-status.js';

/** What a command about one task answers. No events: it changed nothing, which is no error. */
export interface CommandAnswer {
  readonly taskId: string;
  readonly taskType: string;
  readonly status: TaskStatus;
  readonly revision: number;
  readonly position: string;
  readonly events: readonly {
    readonly id: string;
    readonly type: string;
    readonly revision: number;
  }[];
  /** The command had taken effect before; this is its first answer. */
  readonly repeated?: true;
}

export interface BatchAnswer {
  readonly results: readonly ({ readonly ok: CommandAnswer } | { readonly error: ErrorBody })[];
}

export interface ClaimAnswer {
  readonly tasks: readonly TaskInfo[];
}

export interface PauseAllAnswer {
  readonly taskIds: readonly string[];
  /** There may be more: send it again. */
  readonly more: boolean;
}

export interface CleanupAnswer {
  readonly deleted: number;
  /** There may be more: send it again. */
  readonly more: boolean;
  /** Of the last deletion: a search as new as that finds none of these again. */
  readonly position?: string;
}

export interface TaskPage {
  readonly tasks: readonly TaskInfo[];
  readonly nextCursor?: string;
}

export interface StatsAnswer {
  readonly total: number;
  readonly byStatus: Readonly<Partial<Record<TaskStatus, number>>>;
  readonly byType: Readonly<Record<string, Readonly<Partial<Record<TaskStatus, number>>>>>;
}
