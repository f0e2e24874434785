import { IsProcessorName } from './admin-fields.js';

/** Takes away the builds that rebuilds have kept. */
export class DropProjectionBuilds {
  static readonly message = 'drop_projection_builds';

  @IsProcessorName()
  readonly projection: string;
}
