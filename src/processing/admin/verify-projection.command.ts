import { IsProcessorName } from './admin-fields.js';

/** Compares what serves with the log. */
export class VerifyProjection {
  static readonly message = 'verify_projection';
  static readonly journaled = false as const;

  @IsProcessorName()
  readonly projection: string;
}
