import { IsTaskId } from '../query-fields.js';

/** One task as it is now. */
export class GetTask {
  static readonly message = 'get_task';

  @IsTaskId()
  readonly id: string;
}
