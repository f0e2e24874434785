/** The index of a repository, a file: one task at a time writes it, anybody searches it meanwhile. */
export { indexFileOf } from './index-schema.js';
export type { IndexSummary } from './index-summary.js';
export { IndexWriter, type KnownFile } from './index-writer.js';
export { indexedDirectory } from './indexed-directory.js';
export type { FoundSymbol, IndexedFile } from './indexed-file.js';
export { RepositorySearch } from './repository-search.js';
export { SearchProblem } from './search-problem.js';
