/** Asks git which files of a directory it tracks, without letting the repository decide what runs. */
import { dirname } from 'node:path';
import { PermanentTaskError } from '@taskmanager/client';
import { git, GitFailed } from '../git/git.js';

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
  const tooMuch = new AbortController();
  const run = {
    cwd: directory,
    // Whoever owns the files: nothing of theirs is run.
    settings: ['safe.directory=*'],
    // A directory that is in the middle of a repository is not the repository.
    environment: { GIT_CEILING_DIRECTORIES: dirname(directory) },
    signal: AbortSignal.any([signal, tooMuch.signal, AbortSignal.timeout(GIT_LIMIT_MS)]),
  };
  const listing = new Listing();
  const onOutput = (bytes: Buffer): void => {
    listing.take(bytes);
    if (listing.count > MAX_FILES)
      tooMuch.abort(new PermanentTaskError(`the directory has more than ${MAX_FILES} files`));
  };
  try {
    await git(['ls-files', '-z', '--stage'], { ...run, onOutput });
    const commit = await git(['rev-parse', '--verify', '--quiet', 'HEAD'], run).catch(
      whenGitFailed,
    );
    return { commit: commit?.trim(), ...listing.end() };
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    const words = error.words.trim().slice(0, 1_000);
    throw new PermanentTaskError(
      `git cannot list the files of ${JSON.stringify(directory)}: ${words || error.message}`,
    );
  }
}

/** There is no commit yet. */
function whenGitFailed(error: unknown): undefined {
  if (!(error instanceof GitFailed)) throw error;
}

/** Reads `<mode> <id> <stage>\t<path>\0`, in pieces. */
class Listing {
  private rest = Buffer.alloc(0);
  private readonly paths = new Set<string>();
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private symlinks = 0;
  private submodules = 0;
  private unnamed = 0;

  get count(): number {
    return this.paths.size;
  }

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
    }
  }
}
