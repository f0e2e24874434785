/** The thread that searches: it takes one search at a time and answers each; see `RepositorySearch`. */
import { parentPort } from 'node:worker_threads';
import type { ThreadAnswer, ThreadSearch } from './repository-search.js';
import { searchIndex } from './search-index.js';
import { SearchProblem } from './search-problem.js';

function answerTo({ file, request }: ThreadSearch): ThreadAnswer {
  try {
    return { answer: searchIndex(file, request) };
  } catch (error) {
    if (!(error instanceof SearchProblem)) throw error;
    const { code, message, field } = error;
    return { problem: { code, message, ...(field !== undefined && { field }) } };
  }
}

parentPort?.on('message', (search: ThreadSearch) => parentPort?.postMessage(answerTo(search)));
