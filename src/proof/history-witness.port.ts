/** The last event of a stream that a witness has seen. */
export interface WitnessedHead {
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly eventId: string;
  readonly position: string;
}

/**
 * Somebody who has read the log before and remembers how far each stream went: what was cut off since
 * is named by it. It may lag behind the log, and is no proof by itself, for it can be changed too.
 */
export abstract class HistoryWitness {
  /**
   * At most `limit` heads in the order of their streams' names, by code unit.
   * @param after strictly after this name; from the first when undefined
   */
  abstract heads(after: string | undefined, limit: number): Promise<readonly WitnessedHead[]>;

  /** How many others have read the log and cannot be asked: what only they have seen is overlooked. */
  abstract silent(): Promise<number>;
}
