/** The task types that come with TaskManager, for programs that run them beside their own. */
export { WorkerRoots } from './worker-roots.js';
