/**
 * What time alone will do to a task: a retry that is due, a lease or a clock that runs out, an approval
 * that is reminded of, escalated or expires. `retry_schedule` is a failure whose retry is not yet
 * scheduled: an event brings that on, no clock, so that a past one says that something is stuck.
 */
export const TIMER_KINDS = [
  'retry_schedule',
  'retry',
  'lease',
  'queue',
  'run',
  'total',
  'approval_reminder',
  'approval_escalation',
  'approval_due',
] as const;
export type TimerKind = (typeof TIMER_KINDS)[number];

export interface TaskTimer {
  readonly kind: TimerKind;
  /** Epoch milliseconds. */
  readonly dueAt: number;
}
