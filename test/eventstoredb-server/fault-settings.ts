import { type status } from '@grpc/grpc-js';

/** How a call is refused; `trailers` are what the client tells its error classes by. */
export interface FaultStatus {
  readonly status: keyof typeof status;
  readonly details?: string;
  readonly trailers?: Readonly<Record<string, string>>;
}

/** The errors that the server answers to one append among many on one call. */
export type AppendError = 'timeout' | 'access-denied' | 'unknown' | 'not-ready';

export interface Scope {
  /** The fault ends by itself after so many calls; without it, when it is cleared. */
  readonly times?: number;
  /** Only calls on streams whose name begins so; calls on $all are on stream `$all`. */
  readonly stream?: string;
}

/** What happens to an append, a deletion or a tombstone. */
export type AppendFault = Scope &
  (
    | /** Never written, never answered. */ { readonly kind: 'drop' }
    | /** Written, never answered. */ { readonly kind: 'lose-answer' }
    | /** Written late. */ { readonly kind: 'delay'; readonly milliseconds: number }
    | /** Written at once, answered late. */ {
        readonly kind: 'delay-answer';
        readonly milliseconds: number;
      }
    | /** This append is answered with an error, after it was written if `written`. */ {
        readonly kind: 'refuse';
        readonly error: AppendError;
        readonly written?: boolean;
      }
    | /** The whole call fails: with BatchAppend so do all other appends in flight. */ ({
        readonly kind: 'fail';
        readonly written?: boolean;
      } & FaultStatus)
  );

/** What happens to a read or to the begin of a subscription. */
export type ReadFault = Scope &
  (
    | /** Never answered. */ { readonly kind: 'drop' }
    | /** Answered late. */ { readonly kind: 'delay'; readonly milliseconds: number }
    | /** Each event comes so much after the one before. */ {
        readonly kind: 'slow';
        readonly milliseconds: number;
      }
    | /** Fails, after `events` events (0 if left out). */ ({
        readonly kind: 'fail';
        readonly events?: number;
      } & FaultStatus)
  );

/** What happens to a call of the features or of the gossip. */
export type QuestionFault = Pick<Scope, 'times'> &
  (
    | { readonly kind: 'drop' }
    | { readonly kind: 'delay'; readonly milliseconds: number }
    | ({ readonly kind: 'fail' } & FaultStatus)
  );

export interface Leader {
  readonly host: string;
  readonly port: number;
}

/** A member of the cluster, as the gossip tells it. */
export interface Member extends Leader {
  readonly state: 'leader' | 'follower' | 'read-only-replica';
  /** True if left out. */
  readonly alive?: boolean;
}

/** The faults that last until they are cleared or used up. All of it survives JSON. */
export interface FaultSettings {
  readonly appends?: AppendFault;
  readonly reads?: ReadFault;
  readonly subscriptions?: ReadFault;
  readonly features?: QuestionFault;
  readonly gossip?: QuestionFault;
  /** This node is a follower: it sends writers, and readers that require a leader, to this one. */
  readonly notLeader?: Leader;
  /** What the gossip answers instead of this node alone, as leader. */
  readonly members?: readonly Member[];
  /** The features do not name BatchAppend, so that a client appends call by call. */
  readonly withoutBatchAppend?: boolean;
}
