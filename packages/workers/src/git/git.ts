import { spawn } from 'node:child_process';
import { devNull } from 'node:os';
import { collectLines } from './lines.js';

/** What git says at its end is all that anybody reads: so much of it is kept, characters. */
const KEPT_WORDS = 16_384;
const KEPT_OUTPUT = 65_536;
/** How long a killed git may take to be gone, milliseconds: the disk may hold it up. */
const KILLED_MS = 10_000;

/** Settings for every run: nothing that a repository brings along is run, and nothing goes on behind it. */
const SETTINGS = [
  `core.hooksPath=${devNull}`,
  'core.fsmonitor=false',
  'core.askPass=',
  'credential.helper=',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
];

export interface GitRun {
  readonly cwd?: string;
  /** `name=value` each, as of `git -c`. */
  readonly settings?: readonly string[];
  /** Beside what every run gets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Kills git and all that it started. */
  readonly signal?: AbortSignal;
  /** Each line of its standard error, also those that overwrite each other. */
  readonly onLine?: (line: string) => void;
  /** Takes its output instead of it being answered. */
  readonly onOutput?: (chunk: Buffer) => void;
}

/** git ended with another code than 0. */
export class GitFailed extends Error {
  override readonly name = 'GitFailed';

  constructor(
    readonly code: number | NodeJS.Signals | null,
    /** The end of what it wrote to standard error. */
    readonly words: string,
  ) {
    super(`git ended with ${code}: ${words.trim().split('\n').at(-1) ?? ''}`);
  }
}

/**
 * Runs the system's git without a shell and without anything of the environment but PATH and the ssh
 * agent: no configuration of the machine or the user, no prompts, no credentials. In a process group of
 * its own, so that its end is the end of what it started.
 *
 * @returns what it wrote to standard output, at most 64 KiB
 * @throws GitFailed; the signal's reason once that has fired; Error when there is no git
 */
export async function git(args: readonly string[], run: GitRun = {}): Promise<string> {
  run.signal?.throwIfAborted();
  const settings = [...SETTINGS, ...(run.settings ?? [])].flatMap((each) => ['-c', each]);
  const child = spawn('git', [...settings, ...args], {
    cwd: run.cwd,
    env: { ...environment(), ...run.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  let words = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (run.onOutput) run.onOutput(chunk);
    else if (output.length < KEPT_OUTPUT) output += chunk.toString('utf8');
  });
  child.stderr.on(
    'data',
    collectLines((line) => {
      words = `${words}${line}\n`.slice(-KEPT_WORDS);
      run.onLine?.(line);
    }),
  );
  let limit: NodeJS.Timeout | undefined;
  const kill = () => {
    killGroup(child.pid);
    limit = setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, KILLED_MS);
  };
  run.signal?.addEventListener('abort', kill, { once: true });
  try {
    const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => resolve(status ?? signal));
    });
    run.signal?.throwIfAborted();
    if (code !== 0) throw new GitFailed(code, words);
    return output;
  } finally {
    run.signal?.removeEventListener('abort', kill);
    clearTimeout(limit);
  }
}

/** @throws Error when there is no git, or one that is too old to be held to an address */
export async function assertGit(): Promise<void> {
  const version = await git(['version']).catch((error: unknown) => {
    throw new Error(`There is no git that could be run: ${(error as Error).message}`);
  });
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version)?.slice(1) ?? []).map(Number);
  if (major < 2 || (major === 2 && minor < 37))
    throw new Error(`git 2.37 or newer is needed; this is ${version.trim()}`);
}

function environment(): Record<string, string> {
  const { PATH = '', SSH_AUTH_SOCK } = process.env;
  return {
    PATH,
    ...(SSH_AUTH_SOCK === undefined ? {} : { SSH_AUTH_SOCK }),
    // Its words are read: they must be English.
    LC_ALL: 'C',
    // No folder, so that neither ~/.netrc nor ~/.config/git is read. ssh goes by the account's own.
    HOME: devNull,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_PROGRESS_DELAY: '0',
    GIT_PROTOCOL_FROM_USER: '0',
    // Nobody's, until a run says which.
    GIT_ALLOW_PROTOCOL: 'none',
  };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
