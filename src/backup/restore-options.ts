import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Environment, VARIABLES } from '../config/index.js';

export interface RestoreOptions {
  /** Absolute paths of folders. */
  readonly from: string;
  readonly to: string;
  readonly force: boolean;
}

/** The command line is wrong: one line for people. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const RESTORE_HELP = `Puts a backup that tasks.admin.backup has made into a data folder. The service has to be stopped.

Usage: npm run restore -- --from <backup folder> [--to <data folder>] [--force]

Options
  --from <folder>        the backup: the folder with manifest.json in it; it is only read
  --to <folder>          the data folder; DATA_DIR when left out, ./data without it
  --force                the data folder holds databases already: they are moved into a folder
                         before-restore-<time> in it, nothing is deleted
  --help                 this text

The backup is copied beside the present log and read through, the database itself, every event and every
hash chain, and compared with its manifest. Only then it takes its place: whatever goes wrong before
leaves the data folder as it was. Views are not in a backup: the service builds them from the log at its
next start. Files of workers in the data folder stay as they are.

Exit codes: 0 restored; 1 the backup is not whole, the data folder is in use or not empty, or it cannot be
done; 2 the command line is wrong; 130 and 143 interrupted.`;

/** Undefined: help is wanted. @throws UsageError */
export function parseRestoreOptions(
  args: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): RestoreOptions | undefined {
  const { help, from, to, force = false } = parsed(args);
  if (help) return undefined;
  if (from === undefined) throw new UsageError('--from is missing: the folder of a backup');
  const dataDir = new Environment(variables).text(VARIABLES.dataDir);
  return { from: resolve(from), to: resolve(to ?? dataDir), force };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        force: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
