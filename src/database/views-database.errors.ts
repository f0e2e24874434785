/** views.db was written by a newer release, and this one cannot know what its tables mean. */
export class ViewsFromNewerRelease extends Error {
  readonly code = 'VIEWS_FROM_NEWER_RELEASE';
  override readonly name = 'ViewsFromNewerRelease';

  constructor(file: string, unknown: readonly string[]) {
    super(
      `${file} was written by a newer release (migrations not known here: ${unknown.join(', ')}). ` +
        'Run that release or a later one; or, since views hold nothing that the event log does not, ' +
        `stop the service, delete ${file} with its -wal and -shm, and start again: it is rebuilt from the log.`,
    );
  }
}

const CORRUPT = ['SQLITE_CORRUPT', 'SQLITE_NOTADB'];

/** The file itself is broken; nothing but making it anew helps. */
export function isCorruption(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && CORRUPT.some((known) => code.startsWith(known));
}
