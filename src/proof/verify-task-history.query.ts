import { IsTaskId } from '../projections/query-fields.js';

/** Checks the hash chains of one task: its events and its refusals. */
export class VerifyTaskHistory {
  static readonly message = 'verify_history';

  @IsTaskId()
  readonly id: string;
}
