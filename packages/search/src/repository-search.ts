/** Searches the indexes of the workers, in a thread of its own. */
import { existsSync } from 'node:fs';
import { lstat, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SearchAnswer, SearchRepositoryRequest } from '@taskmanager/protocol';
import { indexFileOf } from './index-schema.js';
import { searchIndex } from './search-index.js';
import { SearchProblem } from './search-problem.js';

const SEARCH_LIMIT_MS = 5_000;
const MAX_WAITING = 64;
const THREAD = new URL('./search.thread.js', import.meta.url);

/** What the thread is asked, and what it answers. */
export interface ThreadSearch {
  readonly file: string;
  readonly request: SearchRepositoryRequest;
}
export type ThreadAnswer =
  | { readonly answer: SearchAnswer }
  | { readonly problem: Pick<SearchProblem, 'code' | 'message' | 'field'> };

/**
 * One search at a time: SQLite reads without giving way, and a search of a great index for what is
 * everywhere takes long. The thread starts with the first search; one that takes too long ends it.
 */
export class RepositorySearch {
  private thread: Worker | undefined;
  private settle: ((answered: ThreadAnswer) => void) | undefined;
  private waiting = 0;
  private last: Promise<unknown> = Promise.resolve();

  /**
   * @param root the first of the workers' roots; it need not exist
   * @param program of the thread; where nothing is compiled, as in tests, the search is done in place
   */
  constructor(
    private readonly root: string,
    private readonly program: URL | undefined = existsSync(THREAD) ? THREAD : undefined,
  ) {}

  /** @throws SearchProblem */
  async search(request: SearchRepositoryRequest): Promise<SearchAnswer> {
    const file = await this.indexOf(request.directory);
    if (this.waiting >= MAX_WAITING)
      throw new SearchProblem('OVERLOADED', 'Too many searches wait; try again later.');
    this.waiting += 1;
    const turn = this.last.then(() => this.inTurn({ file, request }));
    this.last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.waiting -= 1;
    }
  }

  async close(): Promise<void> {
    const { thread } = this;
    if (thread) this.end(thread, 'ended with the service');
    await thread?.terminate();
  }

  /**
   * Indexes are made of directories below the roots only, so that no other has one: what lies elsewhere
   * is answered like what was never indexed, and nothing is said of whether it exists.
   */
  private async indexOf(directory: string): Promise<string> {
    const root = await realpath(this.root).catch(() => this.root);
    const path = resolve(root, directory);
    const file = indexFileOf(root, await realpath(path).catch(() => path));
    // A link would be followed, and a pipe waited at for ever.
    if (
      await lstat(file).then(
        (stats) => stats.isFile(),
        () => false,
      )
    )
      return file;
    throw new SearchProblem(
      'VALIDATION_FAILED',
      `directory has no index that this service can read: ${JSON.stringify(directory)}. Send ` +
        'index_repository_task for a directory below WORKER_ROOTS, to workers on the same disk and with ' +
        'the same first root as the service.',
      'directory',
    );
  }

  private async inTurn(search: ThreadSearch): Promise<SearchAnswer> {
    if (!this.program) return searchIndex(search.file, search.request);
    const answered = await this.ask((this.thread ??= this.start(this.program)), search);
    if ('answer' in answered) return answered.answer;
    const { code, message, field } = answered.problem;
    throw new SearchProblem(code, message, field);
  }

  private async ask(thread: Worker, search: ThreadSearch): Promise<ThreadAnswer> {
    const limit = setTimeout(() => {
      this.end(thread, `took longer than ${SEARCH_LIMIT_MS} ms: search for more, or in one path`);
    }, SEARCH_LIMIT_MS);
    thread.ref(); // only a search under way keeps the process alive
    try {
      return await new Promise((answer) => {
        this.settle = answer;
        thread.postMessage(search);
      });
    } finally {
      clearTimeout(limit);
      thread.unref();
    }
  }

  private start(program: URL): Worker {
    const thread = new Worker(program);
    thread.on('message', (answered: ThreadAnswer) => this.settle?.(answered));
    thread.on('error', (error) => this.end(thread, `failed: ${error.message}`));
    thread.on('exit', (code) => this.end(thread, `ended: exit code ${code}`));
    return thread;
  }

  private end(thread: Worker, why: string): void {
    if (this.thread !== thread) return;
    this.thread = undefined;
    void thread.terminate();
    this.settle?.({ problem: { code: 'UNAVAILABLE', message: `The search ${why}.` } });
  }
}
