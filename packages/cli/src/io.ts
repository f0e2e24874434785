import type { Readable, Writable } from 'node:stream';

/** A stream that may be a terminal. */
export type Out = Writable & {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
};

/** What the command line has of its process. */
export interface Io {
  readonly input: Readable & { readonly isTTY?: boolean | undefined };
  readonly output: Out;
  /** For questions, bars, notes and errors. */
  readonly errors: Out;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Fires, with the signal's name as its reason, when it is told to stop. */
  readonly signal: AbortSignal;
}
