import { IsBoolean } from 'class-validator';
import { IsProcessorName, Optional } from './admin-fields.js';

/** Builds a projection anew beside the one that serves, proves it, and swaps it in. */
export class RebuildProjection {
  static readonly message = 'rebuild_projection';

  @IsProcessorName()
  readonly projection: string;

  /** Whether what serves now stays until it is dropped; true when left out. */
  @Optional()
  @IsBoolean()
  readonly keepOld?: boolean;
}
