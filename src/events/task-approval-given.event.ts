import type { Json } from '@taskmanager/protocol';
import { TaskEvent } from './task-event.js';

export interface TaskApprovalGivenData {
  /** Actor id. */
  readonly by: string;
  readonly comment?: string;
  /** A vote by complete_task that does not fill the quorum keeps its result for the one that does. */
  readonly result?: Json;
}

/** One vote. */
export class TaskApprovalGiven extends TaskEvent<TaskApprovalGivenData> {
  static readonly type = 'TaskApprovalGiven';
  static readonly version = 1;
  readonly type = TaskApprovalGiven.type;
  readonly version = TaskApprovalGiven.version;
}
