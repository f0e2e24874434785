import { whyNoWorkPath } from '@taskmanager/protocol';
import { Obeys } from './fields.js';
import { WorkTask } from './new-task.js';

/** Makes a task that indexes what git tracks in a directory of the workers. */
export class IndexRepositoryTask extends WorkTask {
  static readonly message = 'index_repository_task';

  @Obeys('isWorkPath', whyNoWorkPath)
  readonly directory: string;
}
