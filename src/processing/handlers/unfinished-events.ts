import type { Position } from '@taskmanager/protocol';

/** An event that was read and is not finished. */
export interface UnfinishedEvent {
  /** Up to here everything was read before it. */
  readonly before: Position | undefined;
}

/**
 * What was read from the log and is not finished yet. Says up to where everything is finished: events
 * finish in any order, and one that is finished takes no memory, however far behind another one is.
 */
export class UnfinishedEvents {
  private readonly events = new Set<UnfinishedEvent>();

  /** `read`: where reading begins. */
  constructor(private read: Position | undefined) {}

  get size(): number {
    return this.events.size;
  }

  /** Everything up to here was read. */
  get readTo(): Position | undefined {
    return this.read;
  }

  /** Everything up to here is finished. */
  get finishedTo(): Position | undefined {
    const [first] = this.events;
    return first ? first.before : this.read;
  }

  /** The next event, in log order. */
  add(position: Position): UnfinishedEvent {
    const event = { before: this.read };
    this.passTo(position);
    this.events.add(event);
    return event;
  }

  /** What lies between the events that were added and this position is for nobody here. */
  passTo(position: Position): void {
    // What comes a second time moves nothing back.
    if (this.read === undefined || position > this.read) this.read = position;
  }

  finish(event: UnfinishedEvent): void {
    this.events.delete(event);
  }
}
