/** When a task's clocks run out, epoch milliseconds; a clock that stands still or was never set is missing. */
export interface Deadlines {
  readonly queueDueAt?: number;
  readonly runDueAt?: number;
  readonly totalDueAt?: number;
}
