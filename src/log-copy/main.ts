import { describeLogName, type LogName } from './log-name.js';
import { LogCopy, type LogCopyOutcome } from './log-copy.js';
import { openLog, type OpenedLog } from './open-log.js';
import { LOG_COPY_HELP, type LogCopyOptions, parseOptions, UsageError } from './options.js';
import type { ProgressOutput } from './progress.js';

/** What the program is given by whoever runs it. */
export interface LogCopyProgram {
  /** The command line without the program's name. */
  readonly args: readonly string[];
  /** The environment, for a log that is set up by settings. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** The report. */
  readonly output: { write(text: string): unknown };
  /** Progress and what went wrong. */
  readonly errors: ProgressOutput;
  /** Stops it cleanly; the reason is the name of the signal that came. */
  readonly signal: AbortSignal;
}

const EXIT_CODES: Readonly<Record<LogCopyOutcome, number>> = { equal: 0, different: 1, grown: 3 };
const WRONG_USAGE = 2;
const BY_SIGNAL: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/** `log:copy`: runs it and answers the exit code. Never rejects. */
export async function logCopy(program: LogCopyProgram): Promise<number> {
  const { args, output, errors, signal } = program;
  try {
    const options = parseOptions(args);
    if (!options) {
      output.write(`${LOG_COPY_HELP}\n`);
      return 0;
    }
    return EXIT_CODES[await run(options, program)];
  } catch (error) {
    if (error instanceof UsageError) {
      errors.write(`${error.message}\n--help says more.\n`);
      return WRONG_USAGE;
    }
    if (signal.aborted) {
      errors.write('Stopped. The same command goes on from here.\n');
      return BY_SIGNAL[String(signal.reason)] ?? 1;
    }
    errors.write(`${explain(error)}\n`);
    return 1;
  }
}

async function run(
  { from, to, verifyOnly, inFlight }: LogCopyOptions,
  { variables, output, errors, signal }: LogCopyProgram,
): Promise<LogCopyOutcome> {
  const tell = (line: string) => output.write(`${line}\n`);
  const opened: OpenedLog[] = [];
  try {
    const open = async (name: LogName, create: boolean) => {
      const waiting = (reason: string) =>
        errors.write(`waiting for ${describeLogName(name)}: ${reason}\n`);
      const log = await orStopped(openLog(name, { create, variables, tell: waiting }), signal);
      opened.push(log);
      return log;
    };
    const source = await open(from, false);
    const target = await open(to, !verifyOnly);
    tell(`From ${describeLogName(from)} (log ${source.log.logId})`);
    tell(`To   ${describeLogName(to)} (log ${target.log.logId})`);
    const copy = new LogCopy({
      source,
      target,
      verifyOnly,
      appendsAtOnce: inFlight ?? target.appendsInOrder,
      signal,
      tell,
      progress: errors,
      now: () => performance.now(),
    });
    return await copy.run();
  } finally {
    for (const log of opened.reverse()) await log.close();
  }
}

/** Opening waits for a cluster that is away; a signal ends that. */
function orStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([work, stopped]);
}

/** What people can mend is one line; a fault of the program comes with its stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const fault = error instanceof TypeError || error instanceof ReferenceError;
  return fault ? (error.stack ?? error.message) : error.message;
}
