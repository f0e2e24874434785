import { LIMITS } from '@taskmanager/protocol';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsIn } from 'class-validator';
import {
  AreTaskIds,
  AreTaskTypes,
  HasLength,
  IsAppName,
  IsCursor,
  IsTime,
  IsWhole,
  Optional,
} from '../query-fields.js';
import { TYPES_WITH_A_LINE } from './event-line.js';

/** Who did what, to which task, when, and what was refused. */
export class QueryAudit {
  static readonly message = 'query_audit';

  /** Actor id. */
  @Optional()
  @HasLength(1, LIMITS.actorIdLength)
  readonly actor?: string;

  @Optional()
  @IsAppName()
  readonly appName?: string;

  @Optional()
  @AreTaskIds()
  readonly taskIds?: readonly string[];

  @Optional()
  @AreTaskTypes()
  readonly taskTypes?: readonly string[];

  /** Stored types, e.g. `TaskPaused`. */
  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(TYPES_WITH_A_LINE.length)
  @IsIn(TYPES_WITH_A_LINE, { each: true })
  readonly events?: readonly string[];

  @Optional()
  @HasLength(1, LIMITS.actorIdLength)
  readonly workerId?: string;

  @Optional()
  @HasLength(1, 200)
  readonly correlationId?: string;

  @Optional()
  @IsBoolean()
  readonly refused?: boolean;

  /** Epoch milliseconds, inclusive. */
  @Optional()
  @IsTime()
  readonly atFrom?: number;

  @Optional()
  @IsTime()
  readonly atTo?: number;

  /** desc, the newest first, when left out. */
  @Optional()
  @IsIn(['asc', 'desc'])
  readonly order?: 'asc' | 'desc';

  @Optional()
  @IsWhole(1, LIMITS.eventPage)
  readonly limit?: number;

  @Optional()
  @IsCursor()
  readonly cursor?: string;

  @Optional()
  @IsBoolean()
  readonly count?: boolean;
}
