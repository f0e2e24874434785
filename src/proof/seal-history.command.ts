/** Makes a digest of the ends of all streams, to be kept elsewhere. */
export class SealHistory {
  static readonly message = 'seal_history';
  static readonly journaled = false as const;
}
