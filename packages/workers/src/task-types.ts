import type { TaskHandler } from '@taskmanager/client';
import { cloneRepository } from './clone-repository/index.js';
import { indexRepository } from './index-repository/index-repository.js';
import { importFiles } from './import-files/index.js';
import type { WorkerContext } from './worker-context.js';

/** The task types of this package: what does their work. */
export const TASK_TYPES: Readonly<Record<string, (context: WorkerContext) => TaskHandler>> = {
  clone_repository: cloneRepository,
  index_repository: indexRepository,
  import_files: importFiles,
};

/** Those that run the system's git. */
export const TYPES_WITH_GIT: ReadonlySet<string> = new Set([
  'clone_repository',
  'index_repository',
]);
