import type { Position } from '@taskmanager/protocol';

/** An event that a processor could not handle after its retries (DESIGN §2). */
export interface ParkedEvent {
  readonly processor: string;
  /** The task that waits: later events of it wait too. */
  readonly stream: string;
  readonly position: Position;
  readonly eventId: string;
  /** Of the event in its stream: from here on the task waits. */
  readonly revision: number;
  /** Of the event. */
  readonly type?: string;
  readonly error: string;
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly parkedAt: number;
  /** What somebody asked for; whoever runs the processor does it, and forgets or parks the event then. */
  readonly wanted?: ParkedWish;
}

/** `retry`: handle it and what waits behind it again; `discard`: pass over it, then the same. */
export type ParkedWish = 'retry' | 'discard';

/** Who runs a processor: until `expiresAt` (epoch ms) nobody else does. `epoch` rises with each owner. */
export interface ProcessorLease {
  readonly owner: string;
  readonly epoch: number;
  readonly expiresAt: number;
}

/**
 * What sagas and publishers keep: checkpoints, leases, pauses and parked events. It lives with the
 * event log, so that losing the views repeats no side effect. A projection's checkpoint is not here:
 * it lies in the transaction of its rows.
 */
export abstract class ProcessorStore {
  /** Who has a checkpoint, a pause or parked events, sorted by name. */
  abstract listProcessors(): Promise<readonly string[]>;

  /** The position up to which everything was handled; undefined before the first. */
  abstract readCheckpoint(processor: string): Promise<Position | undefined>;
  /**
   * Moves the checkpoint from `expected` (undefined: none yet) to `position`; false, and nothing is
   * written, when somebody else moved it meanwhile.
   */
  abstract moveCheckpoint(
    processor: string,
    expected: Position | undefined,
    position: Position,
  ): Promise<boolean>;

  /**
   * Takes the lease when it is free, run out at `now`, or held by the same owner (then it is renewed
   * and keeps its epoch); undefined when another owner holds it.
   */
  abstract acquireLease(
    processor: string,
    owner: string,
    ttlMs: number,
    now: number,
  ): Promise<ProcessorLease | undefined>;
  /** Whose it is now, run out or not; undefined when it was given back or never taken. */
  abstract readLease(processor: string): Promise<ProcessorLease | undefined>;
  /** Gives the lease back; does nothing when the owner no longer holds it. */
  abstract releaseLease(processor: string, owner: string): Promise<void>;

  /** Parks an event; parking the same one again replaces error, attempts and what is wanted. */
  abstract park(event: ParkedEvent): Promise<void>;
  /** In log order. */
  abstract listParked(processor: string): Promise<readonly ParkedEvent[]>;
  /** Those of them of which something is wanted, in log order: asked for often, however many are parked. */
  abstract listWanted(processor: string): Promise<readonly ParkedEvent[]>;
  /** Keeps what is wanted of a parked event; false, and nothing is written, when it is not parked. */
  abstract want(processor: string, position: Position, wish: ParkedWish): Promise<boolean>;
  /** Forgets a parked event; false when it was not parked. */
  abstract unpark(processor: string, position: Position): Promise<boolean>;

  /** A paused processor keeps its checkpoint and handles nothing. */
  abstract setPaused(processor: string, paused: boolean): Promise<void>;
  abstract isPaused(processor: string): Promise<boolean>;

  abstract close(): Promise<void>;
}
