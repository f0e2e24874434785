/** The command line of TaskManager, for programs that start it in their own process. */
export { ExitCode } from './exit-codes.js';
export type { Io, Out } from './io.js';
export { run } from './run.js';
