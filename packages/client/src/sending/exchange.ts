import { type BatchAnswer, commandSubject, type RequestMeta } from '@taskmanager/protocol';
import { TaskManagerError } from '../errors.js';
import { type Transport, TransportFailure } from '../transport/transport.js';
import type { Part } from './batches.js';
import type { Call } from './call.js';
import { judge, type TryFailure } from './outcome.js';
import type { SeenPosition } from './seen-position.js';

const BATCH = commandSubject('batch');
/** A batch refused with one of these may be refused for one command's fault: each is then sent alone. */
const ONE_FOR_ALL = new Set(['VALIDATION_FAILED', 'PAYLOAD_TOO_LARGE', 'FORBIDDEN']);

/** What one try brought for one call. */
export type TryResult =
  | { readonly call: Call; readonly answer: unknown }
  | { readonly call: Call; readonly failure: TryFailure };

/** Puts calls into messages and takes answers out of replies: one try, no more. */
export class Exchange {
  constructor(
    readonly transport: Transport,
    private readonly seen: SeenPosition,
    /** Who sends: part of every message. */
    private readonly identity: Pick<RequestMeta, 'token' | 'actor'>,
  ) {}

  async one(call: Call): Promise<TryResult[]> {
    const { args, meta, signal } = call;
    if (this.transport.trouble !== undefined) {
      const failed = await this.open([call], tryTime(call));
      if (failed) return failed;
    }
    const after = call.after ? this.seen.current : undefined;
    const retry = call.command && call.maybeDone ? true : undefined;
    const body = JSON.stringify({ ...args, meta: { ...this.identity, ...meta, retry, after } });
    try {
      const reply = await this.transport.request(call.subject, body, tryTime(call), signal);
      if (reply.err !== undefined) throw TaskManagerError.fromReply(reply.err);
      this.seen.note((reply.response as { position?: unknown } | null | undefined)?.position);
      return [{ call, answer: reply.response ?? null }];
    } catch (error) {
      const failure = judge(error);
      return [{ call, failure: this.refusesPosition(failure, after) }];
    }
  }

  async batch({ calls, text }: Part): Promise<TryResult[]> {
    const body = `{"commands":[${text}],"meta":${JSON.stringify(this.identity)}}`;
    if (this.transport.trouble !== undefined) {
      const failed = await this.open(calls, longestTime(calls));
      if (failed) return failed;
    }
    try {
      const reply = await this.transport.request(BATCH, body, longestTime(calls));
      if (reply.err !== undefined) throw TaskManagerError.fromReply(reply.err);
      return this.unpack(calls, reply.response);
    } catch (error) {
      const failure = judge(error);
      if (!ONE_FOR_ALL.has(failure.error.code)) return calls.map((call) => ({ call, failure }));
      for (const call of calls) call.alone = true;
      return calls.map((call) => ({ call, failure: { ...failure, retry: true } }));
    }
  }

  /**
   * Connects before anything is sent. Answers what became of the calls when there is nothing to send now: no
   * connection; or one of them was given up meanwhile, and its caller told that it had no effect, so that
   * the others go in another message.
   */
  private async open(calls: readonly Call[], timeoutMs: number): Promise<TryResult[] | undefined> {
    try {
      await this.transport.open(timeoutMs);
    } catch (error) {
      const failure = judge(error);
      return calls.map((call) => ({ call, failure }));
    }
    if (calls.every(({ state }) => state !== 'settled')) return undefined;
    const failure = judge(new TransportFailure('not_connected', false, 'It was not sent yet'));
    return calls.map((call) => ({ call, failure }));
  }

  private unpack(calls: readonly Call[], response: unknown): TryResult[] {
    const { results } = (response ?? {}) as Partial<BatchAnswer>;
    if (!Array.isArray(results) || results.length !== calls.length) {
      const message = `A batch of ${calls.length} commands was not answered command by command`;
      throw new TaskManagerError('BAD_ANSWER', message);
    }
    return calls.map((call, index) => {
      const result = results[index] as BatchAnswer['results'][number];
      if ('error' in result)
        return { call, failure: judge(TaskManagerError.fromReply(result.error)) };
      this.seen.note(result.ok.position);
      return { call, answer: result.ok };
    });
  }

  /** The service has another log than the one the newest position is from: ask again without it. */
  private refusesPosition(failure: TryFailure, after: string | undefined): TryFailure {
    const { code, details } = failure.error;
    const field = details?.field;
    if (after === undefined || code !== 'VALIDATION_FAILED' || field !== 'after') return failure;
    this.seen.forget();
    return { ...failure, retry: true };
  }
}

function longestTime(calls: readonly Call[]): number {
  return calls.reduce((longest, call) => Math.max(longest, tryTime(call)), 0);
}

function tryTime(call: Call): number {
  return Math.max(1, Math.min(call.tryMs, call.deadline - performance.now()));
}
