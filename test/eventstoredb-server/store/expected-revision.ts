/** What an append, a deletion or a tombstone expects of its stream: its last revision, or a word. */
export type ExpectedRevision = bigint | 'any' | 'no_stream' | 'stream_exists';

/** Server: the words stand for negative numbers, which error trailers show (ExpectedVersion). */
export function expectedVersionNumber(expected: ExpectedRevision): bigint {
  switch (expected) {
    case 'no_stream':
      return -1n;
    case 'any':
      return -2n;
    case 'stream_exists':
      return -4n;
    default:
      return expected;
  }
}
