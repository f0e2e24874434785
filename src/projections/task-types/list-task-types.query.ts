import { PageOfTypes } from '../page-of-types.query.js';

/** Types that are paused or limited, or have tasks that workers hold or may claim. */
export class ListTaskTypes extends PageOfTypes {
  static readonly message = 'list_task_types';
}
