import { CommanderError } from 'commander';
import { ExitCode } from './exit-codes.js';
import { failureOf } from './failure.js';
import type { Io } from './io.js';
import { Output } from './output/output.js';
import { printable, safeJson } from './output/printable.js';
import { buildProgram } from './program.js';
import { type GlobalOptions, Session } from './session.js';
import type { Act } from './act.js';
import { UsageError } from './usage-error.js';

/**
 * The whole command line: reads the arguments, does what they say, and resolves to the exit code. Never
 * rejects.
 *
 * @param args without the program's name
 */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.Done;
  const act: Act =
    (body) =>
    async (...given) => {
      const session = new Session(io, program.opts<GlobalOptions>());
      try {
        exitCode = (await body(session, ...given)) ?? ExitCode.Done;
      } finally {
        await session.close();
      }
    };
  const program = buildProgram(io, act);
  try {
    await program.parseAsync(args, { from: 'user' });
    return io.signal.aborted ? failureOf(undefined, io.signal).exitCode : exitCode;
  } catch (error) {
    const options = program.opts<GlobalOptions>();
    if (!(error instanceof CommanderError)) return report(error, io, options);
    // Help was shown, or commander has said to people what is wrong with the command line.
    if (error.exitCode === 0) return ExitCode.Done;
    return options.json ? report(usageErrorOf(error), io, options) : ExitCode.WrongUsage;
  }
}

function usageErrorOf({ code, message }: CommanderError): UsageError {
  if (code === 'commander.help') return new UsageError('No command is named: see --help.');
  return new UsageError(message.replace(/^error: /, ''));
}

function report(error: unknown, io: Io, options: GlobalOptions): ExitCode {
  const { exitCode, ...failure } = failureOf(error, io.signal);
  const output = new Output(io, { json: false, color: options.color, times: 'iso' });
  if (failure.message === '') return exitCode;
  if (options.json) output.note(safeJson({ error: failure }));
  else if (failure.code === 'FAULT')
    output.note(failure.message.split('\n').map(printable).join('\n'));
  else output.note(`${output.paintErrors.red('taskmanager:')} ${printable(failure.message)}`);
  return exitCode;
}
