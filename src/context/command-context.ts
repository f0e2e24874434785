import type { Actor, Position } from '@taskmanager/protocol';

export type Transport = 'tcp' | 'nats' | 'internal';

/** The request behind a message, for the few that wait for something to happen before they answer. */
export interface Waiting {
  /** Fires when nobody is there any more to take the answer; undefined where that cannot be known. */
  readonly gone?: AbortSignal;
  /** Runs a wait, which is counted and limited apart from work. Rejects with Refusal OVERLOADED. */
  readonly whileWaiting?: <T>(wait: () => T | Promise<T>) => Promise<T>;
}

/** Who reads, and how new the answer must be. */
export interface QueryContext extends Waiting {
  readonly actor: Actor;
  /** Apps whose tasks the actor may see; all when undefined. */
  readonly apps?: readonly string[];
  readonly correlationId: string;
  /** The views must have reached this position, or the query is refused as UNAVAILABLE. */
  readonly after?: Position;
}

/** What comes with a command: who, when, why, under which id. */
export interface CommandContext extends QueryContext {
  /** Effective command id (DESIGN §6.2): a UUID. */
  readonly commandId: string;
  /** The client's own command id, when it gave one: what a new task's id may be derived from. */
  readonly clientCommandId?: string;
  readonly causationId: string;
  readonly transport: Transport;
  /** The command may have been sent before: look at the stream's end before deciding. */
  readonly resent: boolean;
  /** One of many that a filter command tries: a refusal means that it no longer fits, and is not recorded. */
  readonly candidate?: true;
  /** Set by the executor for each decision: max(clock, the stream's last timestamp). Epoch ms. */
  readonly now: number;
}

const CONTEXT = Symbol('command context');

/** Nest's bus carries one object, so the context travels on the message, out of sight of JSON. */
export function withContext<C extends object>(message: C, context: QueryContext): C {
  return Object.defineProperty(message, CONTEXT, { value: context, enumerable: false });
}

/** The context of a command. */
export function contextOf(message: object): CommandContext {
  return contextOn(message) as CommandContext;
}

/** The context of a query. */
export function queryContextOf(message: object): QueryContext {
  return contextOn(message);
}

function contextOn(message: object): QueryContext {
  const context = (message as { [CONTEXT]?: QueryContext })[CONTEXT];
  if (!context) throw new Error(`${message.constructor.name} was sent without a context.`);
  return context;
}
