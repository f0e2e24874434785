/** What an index keeps of a file. */
import type { SymbolKind } from '@taskmanager/protocol';

export interface FoundSymbol {
  readonly name: string;
  readonly kind: SymbolKind;
  /** From 1. */
  readonly line: number;
}

export interface IndexedFile {
  /** Relative to the directory, with `/`. */
  readonly path: string;
  /** What the file system said of it; empty when it changed so lately that it may change unseen. */
  readonly stamp: string;
  /** SHA-256 of the content, in hex. */
  readonly hash: string;
  /** Binary and large files are counted, but cannot be searched. */
  readonly kind: 'text' | 'binary' | 'large';
  readonly language?: string;
  readonly bytes: number;
  /** Newline characters, as `wc -l` counts them; none in binary files. */
  readonly lines: number;
  /** Of a text file. */
  readonly text?: string;
  readonly symbols?: readonly FoundSymbol[];
}
