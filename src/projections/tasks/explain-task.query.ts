import { IsTaskId } from '../query-fields.js';

/** Why a task does not move, or what it waits for. */
export class ExplainTask {
  static readonly message = 'explain_task';

  @IsTaskId()
  readonly id: string;
}
