import { EVENT_TYPE_OF_FEED, LIMITS } from '@taskmanager/protocol';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn } from 'class-validator';
import {
  AreTaskIds,
  AreTaskTypes,
  HasLength,
  IsAppName,
  IsWhole,
  Optional,
} from '../query-fields.js';

/** Events of tasks from a place in the log on; at its end, waits for the next. */
export class ReadEvents {
  static readonly message = 'read_events';

  /** A position (strictly after it), `start` or `now`; `start` when left out. */
  @Optional()
  @HasLength(1, 64)
  readonly from?: string;

  @Optional()
  @AreTaskIds()
  readonly taskIds?: readonly string[];

  @Optional()
  @AreTaskTypes()
  readonly taskTypes?: readonly string[];

  @Optional()
  @IsAppName()
  readonly appName?: string;

  /** Feed names, e.g. `progress`. */
  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(EVENT_TYPE_OF_FEED.size)
  @IsIn([...EVENT_TYPE_OF_FEED.keys()], { each: true })
  readonly events?: readonly string[];

  @Optional()
  @IsWhole(1, LIMITS.eventPage)
  readonly limit?: number;

  /** How long to wait at the head for the first match, milliseconds; 0 when left out. */
  @Optional()
  @IsWhole(0, LIMITS.waitMs)
  readonly waitMs?: number;
}
