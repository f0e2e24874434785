import { IsProcessorName, IsTaskId, Optional } from './admin-fields.js';

/** Parked events, and what waits behind them, are handled again, in order. */
export class RetryParkedEvents {
  static readonly message = 'retry_parked_events';

  @IsProcessorName()
  readonly processor: string;

  /** All that the processor has parked when left out. */
  @Optional()
  @IsTaskId()
  readonly taskId?: string;
}
