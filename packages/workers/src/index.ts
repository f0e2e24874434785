/** The task types that come with TaskManager, for programs that run them beside their own. */
export { type ClonedRepository, cloneRepository } from './clone-repository/index.js';
export {
  indexRepository,
  type IndexRepositoryResult,
} from './index-repository/index-repository.js';
export { type ImportFilesResult, importFiles } from './import-files/index.js';
export type { WorkerContext } from './worker-context.js';
export { WorkerRoots } from './worker-roots.js';
