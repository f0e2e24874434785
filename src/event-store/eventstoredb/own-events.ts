import {
  START,
  streamNameFilter,
  type AllStreamSubscription,
  type Position as Place,
} from '@eventstore/db-client';
import { ClientThrownAway, type LiveClient } from './cluster-client.js';
import { fromWire, type StoredEvent } from './event-form.js';

/** The server has looked at everything up to here. */
export class LookedUpTo {
  constructor(readonly offset: number) {}
}

/** Everything there was has been handed over; from here on events come as they are appended. */
export class CaughtUp {}

/** The server could not keep up, and reads again what it has; it will say when it has caught up. */
export class FellBehind {}

export type Arrival = StoredEvent | LookedUpTo | CaughtUp | FellBehind;

/** Objects that may wait on this side of the connection. */
const BUFFERED = 256;

/** What a subscription is behind its type: a stream to push into, with a part that reads the wire. */
type OpenSubscription = AllStreamSubscription & {
  push(item: LookedUpTo | CaughtUp | FellBehind): boolean;
  convertGrpcEvent: typeof fromWire;
};

/**
 * A subscription to the events of one log in the cluster, in their order, from a place on and then
 * live. Checkpoints and the news of having caught up come in that order too, between the events: the
 * client tells them ahead, while up to so many events still wait, and whoever believed it would pass
 * over events that he has not seen.
 *
 * It never comes back by itself: any end of it, whether error, end or close, is a failure here.
 */
export class OwnEvents {
  private readonly subscription: OpenSubscription;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;

  /** @param after strictly after it; 0: from the first event */
  constructor(
    { client, over }: LiveClient,
    prefixes: string[],
    after: number,
    searchWindow: number,
  ) {
    const checkpointReached = (_: AllStreamSubscription, { commit }: Place) => {
      // Nothing may be thrown here: the client would stop handing over events, without a word.
      this.subscription.push(new LookedUpTo(Number(commit)));
    };
    const filter = streamNameFilter({ prefixes, maxSearchWindow: searchWindow, checkpointReached });
    this.subscription = client.subscribeToAll(
      { fromPosition: after === 0 ? START : placeOf(after), filter },
      { highWaterMark: BUFFERED },
    ) as OpenSubscription;
    this.subscription.convertGrpcEvent = fromWire;
    this.subscription.on('caughtUp', () => void this.subscription.push(new CaughtUp()));
    this.subscription.on('fellBehind', () => void this.subscription.push(new FellBehind()));
    this.subscription.on('readable', () => this.wake?.());
    this.subscription.on('error', (error: Error) => this.fail(error));
    this.subscription.once('end', () => this.fail(new Error('the server ended the subscription')));
    this.subscription.once('close', () => this.fail(new Error('the subscription was closed')));
    const thrownAway = () => this.fail(new ClientThrownAway());
    over.addEventListener('abort', thrownAway, { once: true });
    this.forget = () => over.removeEventListener('abort', thrownAway);
    if (over.aborted) thrownAway();
  }

  private readonly forget: () => void;

  /** Nothing will come any more, but for what has arrived already. */
  get isOver(): boolean {
    return this.failure !== undefined;
  }

  /** The next that has arrived; undefined when there is nothing now. */
  next(): Arrival | undefined {
    return (this.subscription.read() as Arrival | null) ?? undefined;
  }

  /** Resolves when there may be something, and rejects when nothing will come any more. */
  async arrival(): Promise<void> {
    if (this.subscription.readableLength > 0) return;
    if (!this.failure) {
      await new Promise<void>((resolve) => (this.wake = resolve));
      this.wake = undefined;
    }
    if (this.failure) throw this.failure;
  }

  /** Ends it; a subscription that is only left takes one of the 100 places of the connection for good. */
  close(): void {
    this.fail(new Error('it was closed'));
    void this.subscription.unsubscribe().catch(() => undefined);
    this.subscription.destroy();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.forget();
    this.wake?.();
  }
}

/** Both halves are the same for whatever came over this protocol. */
export function placeOf(offset: number): Place {
  const commit = BigInt(offset);
  return { commit, prepare: commit };
}
