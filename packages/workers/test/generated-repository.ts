/** Makes real git repositories of any size for the workers' tests and measurements. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execGit, GIT_ENVIRONMENT } from './git.js';
import { ODD_FILES } from './generated-repository-odd.js';
import { sourceFile } from './generated-repository-source.js';

export interface GeneratedRepository {
  /** The id of the only commit, on branch `main`: the same for the same `files` and `seed`. */
  readonly commit: string;
  /** What it holds, in no particular order. */
  readonly paths: readonly string[];
}

/**
 * Writes a repository of that many files through `git fast-import` and checks it out: code of many
 * languages, text, a few binary and a few large files, and names that break careless programs (see
 * {@link ODD_FILES}; a repository of fewer files has only the first of those).
 *
 * @param folder is made, or is empty
 * @param options.files how many files
 * @param options.seed another content for another seed; 1 by default
 */
export async function makeRepository(
  folder: string,
  { files, seed = 1 }: { readonly files: number; readonly seed?: number },
): Promise<GeneratedRepository> {
  await execGit('.', ['init', '--quiet', '--initial-branch=main', '--', folder]);
  const paths: string[] = [];
  const git = spawn('git', ['-C', folder, 'fast-import', '--quiet'], {
    env: GIT_ENVIRONMENT,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(git, 'close');
  git.stdin.on('error', () => undefined); // the exit code below tells
  git.stdin.write('commit refs/heads/main\ncommitter Test <test@example.com> 1700000000 +0000\n');
  git.stdin.write(data('Begin\n'));
  for (let index = 0; index < files; index += 1) {
    const { path, content } = ODD_FILES[index] ?? sourceFile(index, seed);
    paths.push(path);
    const more = git.stdin.write(`M 100644 inline ${quoted(path)}\n`);
    git.stdin.write(data(content));
    if (!more) await Promise.race([once(git.stdin, 'drain'), ended]);
  }
  git.stdin.end('done\n');
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
  await execGit(folder, ['reset', '--quiet', '--hard', 'main']);
  return { commit: (await execGit(folder, ['rev-parse', 'main'])).trim(), paths };
}

function data(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n')]);
}

/** As fast-import reads a path that holds anything. */
function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
