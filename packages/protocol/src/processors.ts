/** How the service's processors are doing, and what they have put aside: answers of `tasks.admin.*`. */
export const PROCESSOR_KINDS = ['projection', 'saga', 'publisher', 'timers'] as const;
export type ProcessorKind = (typeof PROCESSOR_KINDS)[number];

/** `standby`: another process of this log runs it. `paused`: it was told to rest, and rests. */
export const PROCESSOR_STATES = [
  'starting',
  'catching_up',
  'live',
  'retrying',
  'paused',
  'standby',
  'stopped',
] as const;
export type ProcessorState = (typeof PROCESSOR_STATES)[number];

/** A named, checkpointed reader of the log as the asked process sees it. */
export interface ProcessorInfo {
  readonly name: string;
  readonly kind: ProcessorKind;
  readonly version: number;
  readonly state: ProcessorState;
  readonly paused: boolean;
  /** Everything up to here is handled, parked, or waits behind what is parked. */
  readonly position?: string;
  /** Distance to the log's head in the log's own numbers: no fewer than the events that are missing. */
  readonly lag?: number;
  /** Since the last success. */
  readonly failures: number;
  readonly lastError?: { readonly message: string; /** Epoch milliseconds. */ readonly at: number };
  /** Tasks whose events wait behind a parked one. */
  readonly parked: number;
  /** Timers only: tasks whose timer is due and has not moved them yet. */
  readonly overdue?: number;
}

export interface ProcessorsAnswer {
  readonly processors: readonly ProcessorInfo[];
  /** Position of the log's last event; missing while the log is empty. */
  readonly head?: string;
}

export interface PauseProcessorAnswer {
  readonly name: string;
  readonly paused: boolean;
}

/** The first event of its task that a processor could not handle; later ones of that task wait behind it. */
export interface ParkedEventInfo {
  readonly processor: string;
  readonly taskId: string;
  readonly revision: number;
  readonly position: string;
  readonly eventId: string;
  /** E.g. `TaskFailed`; missing where it is not known. */
  readonly type?: string;
  readonly error: string;
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly parkedAt: number;
  /** Asked for, and not done yet. */
  readonly wanted?: 'retry' | 'discard';
}

export interface ParkedEventsPage {
  readonly events: readonly ParkedEventInfo[];
  readonly nextCursor?: string;
}

export interface ReleaseParkedAnswer {
  /** Tasks that it is about; what becomes of them is in list_parked_events. */
  readonly requested: number;
}
