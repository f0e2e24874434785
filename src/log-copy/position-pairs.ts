import type { Position } from '@taskmanager/protocol';

interface Found {
  readonly position: Position | undefined;
  /** An event stands at the source's position itself, not only before it. */
  readonly exact: boolean;
}

/**
 * Says where positions of the source lie in the target, from pairs that are seen in the order of both
 * logs. Which positions will be asked for is said first, so that no table of all events is kept.
 */
export class PositionPairs {
  private readonly waiting: Position[];
  private readonly found = new Map<Position, Found>();
  private last: { readonly source: Position; readonly target: Position } | undefined;

  constructor(wanted: Iterable<Position>) {
    this.waiting = [...new Set(wanted)].sort().reverse();
  }

  see(source: Position, target: Position): void {
    for (let next = this.waiting.at(-1); next !== undefined && next < source;) {
      this.found.set(next, this.placeOf(next));
      this.waiting.pop();
      next = this.waiting.at(-1);
    }
    this.last = { source, target };
  }

  /**
   * The target's position of the event at `source`, or of the last one before it: everything up to
   * there is the same. Its position is undefined when no event stands that early.
   */
  find(source: Position): Found {
    return this.found.get(source) ?? this.placeOf(source);
  }

  private placeOf(wanted: Position): Found {
    return { position: this.last?.target, exact: this.last?.source === wanted };
  }
}
