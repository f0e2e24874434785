import { SqliteLogFiles } from '../event-store/sqlite/index.js';
import { Progress, type ProgressOutput } from '../log-copy/progress.js';
import { restore } from './restore.js';
import {
  parseRestoreOptions,
  RESTORE_HELP,
  type RestoreOptions,
  UsageError,
} from './restore-options.js';

/** What the program is given by whoever runs it. */
export interface RestoreProgram {
  /** The command line without the program's name. */
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** The report. */
  readonly output: { write(text: string): unknown };
  /** Progress and what went wrong. */
  readonly errors: ProgressOutput;
  /** Stops it cleanly; the reason is the name of the signal that came. */
  readonly signal: AbortSignal;
}

const WRONG_USAGE = 2;
const BY_SIGNAL: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/** `restore`: runs it and answers the exit code. Never rejects. */
export async function restoreProgram(program: RestoreProgram): Promise<number> {
  const { args, variables, output, errors, signal } = program;
  try {
    const options = parseRestoreOptions(args, variables);
    if (options) await run(options, program);
    else output.write(`${RESTORE_HELP}\n`);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      errors.write(`${error.message}\n--help says more.\n`);
      return WRONG_USAGE;
    }
    if (signal.aborted) {
      errors.write('Stopped. The data folder is as it was.\n');
      return BY_SIGNAL[String(signal.reason)] ?? 1;
    }
    errors.write(`${explain(error)}\n`);
    return 1;
  }
}

async function run(
  options: RestoreOptions,
  { output, errors, signal }: RestoreProgram,
): Promise<void> {
  const progress = new Progress(errors, 'verifying', () => performance.now());
  try {
    await restore({
      options,
      files: new SqliteLogFiles(),
      signal,
      tell: (line) => {
        progress.end();
        output.write(`${line}\n`);
      },
      onProgress: (events, fraction) => progress.update(events, fraction),
      now: Date.now(),
    });
  } finally {
    progress.end();
  }
}

/** What people can mend is one line; a fault of the program comes with its stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const fault = error instanceof TypeError || error instanceof ReferenceError;
  return fault ? (error.stack ?? error.message) : error.message;
}
