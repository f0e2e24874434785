import { PageOfTypes } from '../page-of-types.query.js';
import { IsAppName, Optional } from '../query-fields.js';

/**
 * Fields of the two queries with which a program takes its work up again: the oldest tasks first. A
 * `cursor` goes with the same taskTypes and appName.
 */
export abstract class LoadTasks extends PageOfTypes {
  @Optional()
  @IsAppName()
  readonly appName?: string;
}
