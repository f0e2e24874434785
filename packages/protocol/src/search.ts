/** Searching what the task type `index_repository` has indexed. */

export const SEARCH_KINDS = ['text', 'symbol'] as const;

export const SYMBOL_KINDS = [
  'class',
  'constant',
  'enum',
  'function',
  'interface',
  'macro',
  'method',
  'module',
  'struct',
  'trait',
  'type',
  'union',
] as const;

export type SearchKind = (typeof SEARCH_KINDS)[number];
export type SymbolKind = (typeof SYMBOL_KINDS)[number];

export interface SearchRepositoryRequest {
  /** What was indexed, relative to the first root of the workers. */
  readonly directory: string;
  /** Part of a line, at least three characters; of a symbol, the beginning of its name. In any case of letters. */
  readonly text: string;
  /** `text` by default. */
  readonly kind?: SearchKind;
  /** Only symbols of this kind. */
  readonly symbolKind?: SymbolKind;
  /** As in the result of the indexing task, in any case of letters. */
  readonly language?: string;
  /** A file of the directory, or a folder with all that is in it. */
  readonly path?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

export interface SearchMatch {
  /** Relative to the directory. */
  readonly path: string;
  readonly language?: string;
  /** From 1. */
  readonly line: number;
  /** The line, or of a long one what is around the first find. */
  readonly text: string;
  /** Where in `text` it was found: from and to, in UTF-16 units. */
  readonly highlights: readonly (readonly [number, number])[];
  /** Of a symbol. */
  readonly symbol?: { readonly name: string; readonly kind: SymbolKind };
}

export interface SearchAnswer {
  /** By path and line; symbols by name. */
  readonly matches: readonly SearchMatch[];
  readonly nextCursor?: string;
  /** When the directory was last indexed to the end; nothing when it never was. */
  readonly indexedAt?: number;
  /** What was checked out then. */
  readonly commit?: string;
}
