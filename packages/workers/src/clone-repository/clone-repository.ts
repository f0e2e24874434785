import type { RunningTask, TaskHandler } from '@taskmanager/client';
import {
  CLONE_REPOSITORY_RULES,
  type CloneRepositoryInput,
  type Json,
} from '@taskmanager/protocol';
import { assertGit, git, GitFailed } from '../git/git.js';
import { checkedInput } from '../work-input.js';
import type { WorkerContext } from '../worker-context.js';
import { CloneProgressReader } from './clone-progress.js';
import { cloneSource } from './clone-source.js';
import { Destination } from './destination.js';
import { explained } from './git-complaints.js';

/** What a clone task results in. */
export interface ClonedRepository {
  /** Absolute, symlinks resolved. */
  readonly directory: string;
  /** The branch that is checked out; null when a tag is. */
  readonly branch: string | null;
  /** Null: the repository is empty. */
  readonly commit: string | null;
  /** Files that git tracks. */
  readonly files: number;
  /** Their sizes in the repository, together. */
  readonly bytes: number;
}

/**
 * The handler of `clone_repository`. It has no pause points: paused, it is stopped, and begins anew when
 * it is resumed. Until all is there, nothing stands at the destination.
 */
export function cloneRepository(context: WorkerContext): TaskHandler {
  return async (task) => {
    const input = checkedInput<CloneRepositoryInput>(task, CLONE_REPOSITORY_RULES);
    const directory = input.directory ?? nameOf(input.url);
    const destination = await Destination.of(context.roots, directory, task);
    // An earlier attempt had done it all and could not say so.
    if (!(await destination.isOwn())) {
      await assertGit();
      await destination.make((folder) => clone(task, input, folder, context));
    }
    return describe(destination.path, task.signal);
  };
}

/** Into a folder that exists not yet; it may be left half full. */
async function clone(
  task: RunningTask,
  { url, branch }: CloneRepositoryInput,
  folder: string,
  context: WorkerContext,
): Promise<void> {
  task.progress(0, 'connecting');
  const source = await cloneSource(url, context);
  const progress = new CloneProgressReader();
  const args = [
    'clone',
    '--progress',
    '--template=',
    '--no-recurse-submodules',
    '--origin=origin',
    ...(source.options ?? []),
    ...(branch === undefined ? [] : [`--branch=${branch}`]),
    '--',
    source.url,
    folder,
  ];
  try {
    await git(args, {
      ...source,
      signal: task.signal,
      onLine: (line) => {
        const now = progress.read(line);
        if (now) task.progress(now.percent, now.message);
      },
    });
  } catch (error) {
    throw error instanceof GitFailed ? explained(error, { url, branch }) : error;
  }
  // Tasks only add to what is there: what does not lead elsewhere now did not while it was read.
  if (url.startsWith('file:')) await cloneSource(url, context);
}

async function describe(directory: string, signal: AbortSignal): Promise<Json> {
  const run = { cwd: directory, signal };
  const nothing = () => '';
  const branch = await git(['symbolic-ref', '--quiet', '--short', 'HEAD'], run).catch(nothing);
  const commit = await git(['rev-parse', '--verify', '--quiet', 'HEAD'], run).catch(nothing);
  let listing = { files: 0, bytes: 0 };
  if (commit !== '') listing = await measure(run);
  signal.throwIfAborted();
  const repository: ClonedRepository = {
    directory,
    branch: branch.trim() || null,
    commit: commit.trim() || null,
    ...listing,
  };
  return { ...repository };
}

/** Reads `<mode> <type> <id> <size>\t<path>\0` as it comes: there may be millions. */
async function measure(run: {
  readonly cwd: string;
  readonly signal: AbortSignal;
}): Promise<{ files: number; bytes: number }> {
  let files = 0;
  let bytes = 0;
  let rest = '';
  await git(['ls-tree', '-r', '-l', '-z', '--full-tree', 'HEAD'], {
    ...run,
    onOutput: (chunk) => {
      // Sizes and separators are ASCII, so any one-byte reading of the paths does.
      const entries = (rest + chunk.toString('latin1')).split('\0');
      rest = entries.pop() ?? '';
      files += entries.length;
      for (const entry of entries) bytes += Number(/^\S+ \S+ \S+ +(\d+)\t/.exec(entry)?.[1] ?? 0);
    },
  });
  return { files, bytes };
}

/** `https://host/owner/name.git` is called `name`; what is percent-encoded stays so. */
function nameOf(url: string): string {
  const named = url.replace(/\/+$/, '').replace(/\/?\.git$/, '');
  return named.split('/').at(-1) ?? '';
}
