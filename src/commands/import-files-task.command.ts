import { whyNoImportConcurrency, whyNoWorkPath, whyNoWorkPaths } from '@taskmanager/protocol';
import { Obeys, Optional } from './fields.js';
import { WorkTask } from './new-task.js';

/** Makes a task that copies files and folders into a content-addressed store. */
export class ImportFilesTask extends WorkTask {
  static readonly message = 'import_files_task';

  @Obeys('areWorkPaths', whyNoWorkPaths)
  readonly sources: string[];

  @Obeys('isWorkPath', whyNoWorkPath)
  readonly destination: string;

  /** How many files are copied at once; 8 when left out. */
  @Optional()
  @Obeys('isImportConcurrency', whyNoImportConcurrency)
  readonly concurrency?: number;
}
