import { isPosition, logIdOf, type Position } from '@taskmanager/protocol';

/** The newest place in the log that an answer has told of: what is asked later must be at least as new. */
export class SeenPosition {
  private newest: Position | undefined;

  get current(): string | undefined {
    return this.newest;
  }

  /** Takes the `position` of an answer, or of each answer in a batch; anything else says nothing. */
  note(position: unknown): void {
    if (!isPosition(position)) return;
    const { newest } = this;
    // Another log: the service was set up anew, and positions of the old one mean nothing to it.
    if (!newest || logIdOf(newest) !== logIdOf(position) || newest < position)
      this.newest = position;
  }

  /** After the service refused it as a position of another log. */
  forget(): void {
    this.newest = undefined;
  }
}
