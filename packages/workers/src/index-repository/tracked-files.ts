/** Asks git which files of a directory it tracks, without letting the repository decide what runs. */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { PermanentTaskError } from '@taskmanager/client';

export interface TrackedFiles {
  /** Undefined before the first commit. */
  readonly commit: string | undefined;
  /** Regular files, relative to the directory, in the order of their bytes. */
  readonly paths: readonly string[];
  readonly symlinks: number;
  readonly submodules: number;
  /** Names that are no UTF-8, which no JSON could name. */
  readonly unnamed: number;
}

const MAX_FILES = 1_000_000;
const GIT_LIMIT_MS = 5 * 60_000;

/**
 * Only git's own list is read, by commands that compare nothing: to tell changed files git would run the
 * filters, monitors and hooks that the repository's configuration names. Its list can name what it
 * wants: each path is opened with care.
 */
export async function trackedFiles(directory: string, signal: AbortSignal): Promise<TrackedFiles> {
  let commit = '';
  const inside = await git(
    directory,
    ['rev-parse', '--verify', '--quiet', 'HEAD'],
    signal,
    (bytes) => {
      commit += bytes.toString('latin1');
    },
  );
  const listed = new Listing();
  const failed = await git(directory, ['ls-files', '-z', '--stage'], signal, (bytes) =>
    listed.take(bytes),
  );
  if (failed !== undefined)
    throw new PermanentTaskError(
      `git cannot list the files of ${JSON.stringify(directory)}: ${failed}`,
    );
  return { commit: inside === undefined ? commit.trim() : undefined, ...listed.end() };
}

/** Reads `<mode> <id> <stage>\t<path>\0`, in pieces. */
class Listing {
  private rest = Buffer.alloc(0);
  private readonly paths = new Set<string>();
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private symlinks = 0;
  private submodules = 0;
  private unnamed = 0;

  take(bytes: Buffer): void {
    const all = Buffer.concat([this.rest, bytes]);
    let start = 0;
    for (let end = all.indexOf(0); end >= 0; end = all.indexOf(0, start)) {
      this.entry(all.subarray(start, end));
      start = end + 1;
    }
    this.rest = all.subarray(start);
  }

  end(): Omit<TrackedFiles, 'commit'> {
    const { symlinks, submodules, unnamed } = this;
    return { paths: [...this.paths], symlinks, submodules, unnamed };
  }

  private entry(line: Buffer): void {
    const mode = line.toString('latin1', 0, 6);
    if (mode === '120000') this.symlinks += 1;
    else if (mode === '160000') this.submodules += 1;
    else {
      try {
        // A file in conflict is listed once for each side.
        this.paths.add(this.utf8.decode(line.subarray(line.indexOf(9) + 1)));
      } catch {
        this.unnamed += 1;
      }
      if (this.paths.size > MAX_FILES)
        throw new PermanentTaskError(`the directory has more than ${MAX_FILES} files`);
    }
  }
}

/** Answers what git said when it failed. @throws Error when it does not run, or not end in time */
function git(
  directory: string,
  args: readonly string[],
  signal: AbortSignal,
  take: (bytes: Buffer) => void,
): Promise<string | undefined> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...FENCE, '-C', directory, ...args], {
      env: fencedEnvironment(directory),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: GIT_LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    const stop = (reason: unknown): void => {
      child.kill('SIGKILL');
      reject(reason instanceof Error ? reason : new Error(String(reason)));
    };
    const aborted = (): void => stop(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => {
      try {
        take(bytes);
      } catch (error) {
        stop(error);
      }
    });
    child.stderr.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(0, 1_000);
    });
    child.on('error', (error) => reject(new Error(`git cannot be run: ${error.message}`)));
    child.on('close', (code, killedBy) => {
      signal.removeEventListener('abort', aborted);
      if (killedBy) reject(new Error(`git ${args[0]} was ended by ${killedBy}`));
      else resolve(code === 0 ? undefined : said.trim() || `git ended with ${code}`);
    });
  });
}

const FENCE = [
  '-c', 'safe.directory=*', // whoever owns the files: nothing of theirs is run
  '-c', 'core.fsmonitor=false',
  '-c', 'core.hooksPath=/dev/null',
  '-c', 'core.untrackedCache=false',
]; // prettier-ignore

function fencedEnvironment(directory: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    LC_ALL: 'C',
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    // A directory that is in the middle of a repository is not the repository.
    GIT_CEILING_DIRECTORIES: dirname(directory),
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
  };
}
