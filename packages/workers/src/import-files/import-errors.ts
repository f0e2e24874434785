/** What goes wrong with one file, and what goes wrong with the whole import, in plain words. */
/** One source could not be imported; the others go on. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'SQLITE_FULL']);

/** The destination cannot be written: nothing else can be imported either. It may be mended, so it is retried. */
export class DestinationError extends Error {
  override readonly name = 'DestinationError';

  /** The same error when it is none of the system's. */
  static from(destination: string, error: unknown): unknown {
    const code = codeOf(error);
    if (code === undefined) return error;
    const why = NO_ROOM.has(code) ? 'there is no room left' : (error as Error).message;
    return new DestinationError(`${destination} cannot be written: ${why} (${code})`, {
      cause: error,
    });
  }
}

/** The system's or SQLite's code; undefined for errors of anybody else. */
export function codeOf(error: unknown): string | undefined {
  const { code, errno } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  if (typeof code !== 'string') return undefined;
  return errno !== undefined || code.startsWith('SQLITE_') ? code : undefined;
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is nothing here',
  EACCES: 'it may not be read',
  EPERM: 'it may not be read',
  ELOOP: 'it is a symlink, which is not followed',
  ENAMETOOLONG: 'its path is too long',
  EMFILE: 'too many files are open',
};

/** What to say about a source. @throws what is not about this one source: whoever stops the work has no code */
export function aboutSource(path: string, error: unknown): string {
  if (error instanceof SourceError) return error.message;
  const code = codeOf(error);
  if (code === undefined || code.startsWith('SQLITE_')) throw error;
  // How Node shows bytes of a name that are no UTF-8: a name that cannot be given back to the system.
  if (code === 'ENOENT' && path.includes('\uFFFD')) return 'its name is no UTF-8 text';
  return `${WORDS[code] ?? (error as Error).message} (${code})`;
}
