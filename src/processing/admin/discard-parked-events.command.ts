import { IsEventId, IsProcessorName, IsReason, IsTaskId, Optional } from './admin-fields.js';

/** The parked event of a task is passed over; what waits behind it is handled. Not for projections. */
export class DiscardParkedEvents {
  static readonly message = 'discard_parked_events';

  @IsProcessorName()
  readonly processor: string;

  @IsTaskId()
  readonly taskId: string;

  /** Only if it is still this one that is parked: another may have taken its place since it was listed. */
  @Optional()
  @IsEventId()
  readonly eventId?: string;

  /** For the service's log. */
  @Optional()
  @IsReason()
  readonly reason?: string;
}
