import type { ErrorBody } from '@taskmanager/protocol';
import { v7 } from 'uuid';
import type { Refusal } from '../context/index.js';
import { bodyOf } from './error-body.js';

/** What a request is answered with: Nest's packet without its envelope. */
export type Reply = { readonly response: unknown } | { readonly err: ErrorBody };

/** What a transport knows of the one connection that a caller has for himself. */
export interface CallerConnection {
  /** How many of its requests are in flight. */
  inFlight: number;
  /** Fires when no answer can reach the caller any more. */
  readonly gone: AbortSignal;
}

/** One request and its one reply. */
export class Exchange {
  private answered = false;

  /**
   * @param send carries the reply to the caller; called at most once
   * @param connection undefined where the connection is not the caller's own
   */
  constructor(
    readonly subject: string,
    readonly data: unknown,
    private readonly send: (reply: Reply) => void,
    readonly connection?: CallerConnection,
  ) {}

  answer(reply: Reply): void {
    if (this.answered) return;
    this.answered = true;
    this.send(reply);
  }

  refuse(refusal: Refusal): void {
    this.answer({ err: bodyOf(refusal, correlationIdOf(this.data)) });
  }
}

/** The correlation id that a request asks for, before anything of it is checked; else a new one. */
export function correlationIdOf(data: unknown): string {
  const meta = field(data, 'meta');
  const given = field(meta, 'correlationId') ?? field(meta, 'commandId');
  return typeof given === 'string' && given !== '' && given.length <= 256 ? given : v7();
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
