import { parseArgs } from 'node:util';
import { LOG_NAME_FORMS, type LogName, parseLogName } from './log-name.js';

export interface LogCopyOptions {
  readonly from: LogName;
  readonly to: LogName;
  readonly verifyOnly: boolean;
  /** Undefined: as many as the target's kind keeps in order. */
  readonly inFlight: number | undefined;
}

/** The command line is wrong: one line for people. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const LOG_COPY_HELP = `Copies an event log into another one, event by event, and verifies both. Then every saga and publisher
is put where it stood: its checkpoint, its pause and what it has parked.

Usage: npm run log:copy -- --from <log> --to <log> [options]

A log is one of
  sqlite:<folder>        the embedded log of a data folder: <folder>/log.db
  sqlite:<file.db>       the same by its file
  eventstoredb:          EventStoreDB or KurrentDB, set up by the EVENTSTOREDB_… variables
  esdb://…               the same with this connection string; a password on a command line can be
                         seen by others on the machine, in a variable it cannot

Options
  --from <log>           the source; it is only read
  --to <log>             the target: empty, or what an earlier copy of the source has written
  --verify-only          write nothing, compare the two
  --in-flight <n>        appends under way at once, 1 to 512. The default never breaks the order: 1 for
                         EventStoreDB, 256 for SQLite, which writes them in one transaction
  --help                 this text

The same command goes on where an interrupted one stopped; there is no file to keep. It may be run while
the service still writes to the source, to have less to do when it is stopped: exit code 3 says that the
source has grown since, and that the command has to be run once more.

Exit codes: 0 copied and equal; 1 not equal, or it cannot be done; 2 the command line is wrong; 3 equal
up to where the source was at the start, and the source has grown since; 130 and 143 interrupted.`;

const MOST_IN_FLIGHT = 512;

/** Undefined: help is wanted. @throws UsageError */
export function parseOptions(args: readonly string[]): LogCopyOptions | undefined {
  const values = parsed(args);
  if (values.help) return undefined;
  const from = logName('--from', values.from);
  const to = logName('--to', values.to);
  if (from.kind === 'eventstoredb' && to.kind === 'eventstoredb') {
    throw new UsageError(
      'One of the two logs has to be sqlite: the client of EventStoreDB takes one connection in a process. Copy through a SQLite file.',
    );
  }
  if (from.kind === 'sqlite' && to.kind === 'sqlite' && from.path === to.path) {
    throw new UsageError('--from and --to name the same log.');
  }
  return {
    from,
    to,
    verifyOnly: values['verify-only'] ?? false,
    inFlight: inFlight(values['in-flight']),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        'verify-only': { type: 'boolean' },
        'in-flight': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function logName(option: string, text: string | undefined): LogName {
  if (text === undefined) {
    throw new UsageError(`${option} is missing; allowed: ${LOG_NAME_FORMS}`);
  }
  try {
    return parseLogName(text);
  } catch (error) {
    throw new UsageError(`${option}: ${(error as Error).message}`);
  }
}

function inFlight(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > MOST_IN_FLIGHT) {
    throw new UsageError(
      `--in-flight is "${text}"; allowed: a whole number from 1 to ${MOST_IN_FLIGHT}`,
    );
  }
  return number;
}
