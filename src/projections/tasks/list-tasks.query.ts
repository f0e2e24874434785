import {
  LIMITS,
  TASK_SORTS,
  type RunBy,
  type TaskSort,
  type TaskStatus,
} from '@taskmanager/protocol';
import { IsBoolean, IsIn } from 'class-validator';
import {
  AreLabels,
  AreStatuses,
  AreTaskTypes,
  HasLength,
  IsAppName,
  IsCursor,
  IsRunBy,
  IsTime,
  IsPageSize,
  Optional,
} from '../query-fields.js';

/** Tasks that match every filter given, page by page. */
export class ListTasks {
  static readonly message = 'list_tasks';

  @Optional()
  @AreStatuses()
  readonly statuses?: readonly TaskStatus[];

  @Optional()
  @AreTaskTypes()
  readonly taskTypes?: readonly string[];

  @Optional()
  @IsAppName()
  readonly appName?: string;

  @Optional()
  @IsRunBy()
  readonly runBy?: RunBy;

  @Optional()
  @IsBoolean()
  readonly persistent?: boolean;

  /** All must match. */
  @Optional()
  @AreLabels()
  readonly labels?: Readonly<Record<string, string>>;

  /** Anywhere in the name or the error, without regard to case. */
  @Optional()
  @HasLength(LIMITS.textFilterMin, LIMITS.textFilterMax)
  readonly text?: string;

  /** Epoch milliseconds, inclusive, like the three below. */
  @Optional()
  @IsTime()
  readonly createdFrom?: number;

  @Optional()
  @IsTime()
  readonly createdTo?: number;

  @Optional()
  @IsTime()
  readonly updatedFrom?: number;

  @Optional()
  @IsTime()
  readonly updatedTo?: number;

  /** An actor id or `role:<name>`: tasks that wait for a vote of theirs. */
  @Optional()
  @HasLength(1, LIMITS.actorIdLength)
  readonly awaitingApprovalBy?: string;

  /** createdAt when left out. Equal ones in the order of creation, turned round with `order`. */
  @Optional()
  @IsIn(TASK_SORTS)
  readonly sort?: TaskSort;

  /** desc when left out, but for `name`: asc, by Unicode code point. */
  @Optional()
  @IsIn(['asc', 'desc'])
  readonly order?: 'asc' | 'desc';

  @Optional()
  @IsPageSize()
  readonly limit?: number;

  /** From the page before; everything else but `limit` must be as it was. */
  @Optional()
  @IsCursor()
  readonly cursor?: string;
}
