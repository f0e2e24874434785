/** A task with its whole history as one file: `export_task`, `import_task`. */

/** An event as it lies in the log. */
export interface ExportedEvent {
  /** `task-<id>` or `refused-<id>`. */
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  /** JSON text as stored: what hashes are taken over. */
  readonly data: string;
  readonly metadata: string;
}

export interface ExportPage {
  readonly taskId: string;
  readonly logId: string;
  readonly events: readonly ExportedEvent[];
  readonly nextCursor?: string;
}

/** A piece of an exported task, in order: first the task's events, then the refusals. */
export interface ImportTaskRequest {
  readonly taskId: string;
  /** The log that it was exported from: eight hex digits. */
  readonly fromLog: string;
  readonly events: readonly ExportedEvent[];
  /** With the last piece: how many of each there are in all. */
  readonly complete?: { readonly events: number; readonly refusals: number };
  /** With the first piece: what came before of an import that is not complete counts no more. */
  readonly anew?: boolean;
}

export interface ImportAnswer {
  readonly taskId: string;
  /** Held here now, of those that were exported. */
  readonly events: number;
  readonly refusals: number;
  /** All is there and has been verified: it can be read. */
  readonly complete: boolean;
  /** It was complete before; nothing was written. */
  readonly repeated?: true;
}
