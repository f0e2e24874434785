import { PageOfTypes } from '../page-of-types.query.js';

/** Workers that claim tasks at this process, and those that hold tasks, whoever gave them out. */
export class ListWorkers extends PageOfTypes {
  static readonly message = 'list_workers';
}
