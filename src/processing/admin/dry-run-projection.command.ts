import type { Position } from '@taskmanager/protocol';
import { IsPosition, IsProcessorName, Optional } from './admin-fields.js';

/** Folds a stretch of the log with the present code, without any effect. */
export class DryRunProjection {
  static readonly message = 'dry_run_projection';
  static readonly journaled = false as const;

  @IsProcessorName()
  readonly projection: string;

  /** Strictly after this position; from the first event when left out. */
  @Optional()
  @IsPosition()
  readonly from?: Position;

  /** Up to and with this position; to the end of the log when left out. */
  @Optional()
  @IsPosition()
  readonly to?: Position;
}
