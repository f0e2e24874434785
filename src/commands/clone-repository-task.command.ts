import { whyNoBranch, whyNoRepositoryUrl, whyNoWorkPath } from '@taskmanager/protocol';
import { Obeys, Optional } from './fields.js';
import { WorkTask } from './new-task.js';

/** Makes a task that clones a git repository into a folder of the workers. */
export class CloneRepositoryTask extends WorkTask {
  static readonly message = 'clone_repository_task';

  @Obeys('isRepositoryUrl', whyNoRepositoryUrl)
  readonly url: string;

  /** A branch or a tag; the repository's default when left out. */
  @Optional()
  @Obeys('isBranch', whyNoBranch)
  readonly branch?: string;

  /** Named after the repository when left out. */
  @Optional()
  @Obeys('isWorkPath', whyNoWorkPath)
  readonly directory?: string;
}
