import { backoffMs } from '../backoff.js';
import { TaskManagerError } from '../errors.js';
import { onAbort } from '../on-abort.js';
import { TimeLimits } from '../time-limits.js';
import { pack } from './batches.js';
import type { Call } from './call.js';
import type { Exchange, TryResult } from './exchange.js';
import { Lanes } from './lanes.js';
import { withoutAnswer } from './outcome.js';

const GIVEN_UP = 'the caller gave it up';

export interface SenderOptions {
  /** Commands of one turn of the event loop share messages. */
  readonly coalesce: boolean;
  /** Messages without an answer at one time; long waits are not counted. */
  readonly maxInFlight: number;
  /** Calls without an answer at one time; past it `OVERLOADED`. */
  readonly maxQueued: number;
}

/**
 * Brings calls to the service: gathers the commands of one turn into batches, bounds what is in flight,
 * and sends again what has no known outcome, until its time is over.
 */
export class Sender {
  private readonly lanes = new Lanes();
  private readonly single: Call[] = [];
  private readonly reads: Call[] = [];
  private readonly unanswered = new TimeLimits<Call>((call) => this.expire(call));
  private readonly pauses = new Set<NodeJS.Timeout>();
  private inFlight = 0;
  private holds = 0;
  private flushing = false;
  private onIdle: (() => void) | undefined;

  constructor(
    private readonly exchange: Exchange,
    private readonly options: SenderOptions,
  ) {}

  /** Calls without an answer. */
  get pending(): number {
    return this.unanswered.size;
  }

  submit(call: Call): void {
    if (this.pending >= this.options.maxQueued) {
      const message = `${call.name}: ${this.pending} calls of this client wait already; wait for some of them first`;
      return call.reject(new TaskManagerError('OVERLOADED', message, { outcome: 'not_sent' }));
    }
    if (call.signal?.aborted) return call.reject(withoutAnswer(call, 'ABORTED', GIVEN_UP));
    onAbort(call.signal, () => this.giveUp(call, 'ABORTED', GIVEN_UP), call.answer);
    this.unanswered.add(call);
    this.enqueue(call);
  }

  /** Commands made from now on wait until the returned function is called. */
  hold(): () => void {
    this.flush();
    this.holds++;
    return () => {
      this.holds--;
      this.pump();
    };
  }

  /** Ends a call without an answer. */
  giveUp(call: Call, code: 'TIMEOUT' | 'ABORTED' | 'CLOSED', why: string): void {
    if (call.state === 'settled') return;
    if (call.state === 'trying') {
      const { trouble } = this.exchange.transport;
      if (trouble === undefined) call.maybeDone = true;
      else call.lastError = new TaskManagerError('UNAVAILABLE', trouble);
    }
    this.leave(call);
    call.reject(withoutAnswer(call, code, why));
  }

  /** Resolves when every call has its answer, or after `waitMs`. */
  idle(waitMs: number): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    for (const pause of this.pauses) clearTimeout(pause);
    for (const call of this.unanswered.values())
      this.giveUp(call, 'CLOSED', 'the client was closed');
    this.unanswered.stop();
  }

  private enqueue(call: Call): void {
    if (call.long) {
      this.launch(call, this.exchange.one(call));
    } else if (!call.command) {
      this.reads.push(call);
      this.pump();
    } else if (this.options.coalesce && call.lane !== undefined) {
      this.lanes.add(call.lane, call);
      this.flushSoon();
    } else {
      this.single.push(call);
      this.pump();
    }
  }

  private flushSoon(): void {
    if (this.flushing) return;
    this.flushing = true;
    setImmediate(() => {
      this.flushing = false;
      this.flush();
    });
  }

  private flush(): void {
    this.sendFrom(this.reads);
    if (this.holds > 0) return;
    this.sendFrom(this.single);
    if (this.hasRoom) this.sendBatches();
  }

  /** Sends what need not wait for the end of the turn; the rest goes then, if there is room for it. */
  private pump(): void {
    this.sendFrom(this.reads);
    if (this.holds > 0) return;
    this.sendFrom(this.single);
    if (this.hasRoom && !this.lanes.isEmpty) this.flushSoon();
  }

  private get hasRoom(): boolean {
    return this.inFlight < this.options.maxInFlight;
  }

  private sendFrom(queue: Call[]): void {
    while (queue.length > 0 && this.hasRoom) {
      const call = queue.shift();
      if (call && call.state !== 'settled') this.launch(call, this.exchange.one(call));
    }
  }

  private sendBatches(): void {
    const { parts, rest } = pack(this.lanes.take());
    const unsent: Call[] = [];
    for (const part of parts) {
      const [first] = part.calls;
      if (!this.hasRoom || !first) unsent.push(...part.calls);
      else if (part.calls.length > 1) this.launch(first, this.exchange.batch(part));
      else this.launch(first, this.exchange.one(first));
    }
    // In this order: what did not fit comes after what it did not fit behind.
    for (const call of [...unsent, ...rest]) this.lanes.again(call);
  }

  private launch(call: Call, tried: Promise<TryResult[]>): void {
    call.state = 'trying';
    if (!call.long) this.inFlight++;
    void tried.then((results) => {
      if (!call.long) this.inFlight--;
      this.finish(results);
      this.pump();
    });
  }

  private finish(results: readonly TryResult[]): void {
    const again: Call[] = [];
    for (const result of results) {
      const { call } = result;
      if (call.state === 'settled') continue;
      if ('answer' in result) {
        this.leave(call);
        call.resolve(result.answer);
      } else if (result.failure.retry) {
        call.maybeDone ||= result.failure.maybeDone;
        call.lastError = result.failure.error;
        call.failures++;
        call.state = 'pausing';
        again.push(call);
      } else {
        this.leave(call);
        call.reject(result.failure.error);
      }
    }
    const [first] = again;
    if (first) this.pauseThenRetry(again, first.alone ? 0 : backoffMs(first.failures - 1));
  }

  private pauseThenRetry(calls: readonly Call[], delayMs: number): void {
    const pause = setTimeout(() => {
      this.pauses.delete(pause);
      for (const call of calls) if (call.state === 'pausing') this.retry(call);
    }, delayMs);
    this.pauses.add(pause);
  }

  private retry(call: Call): void {
    if (this.options.coalesce && call.lane !== undefined && !call.alone) {
      this.lanes.again(call);
      return this.flushSoon();
    }
    if (call.long) return this.enqueue(call);
    (call.command ? this.single : this.reads).push(call);
    this.pump();
  }

  private expire(call: Call): void {
    this.giveUp(call, 'TIMEOUT', `no answer within ${call.limitMs} ms`);
  }

  /** Takes the call out of everything; whatever still comes for it is dropped. */
  private leave(call: Call): void {
    const occupiesLane = call.state === 'trying' || call.state === 'pausing';
    call.state = 'settled';
    this.unanswered.delete(call);
    if (call.lane !== undefined && occupiesLane) {
      this.lanes.done(call.lane);
    }
    if (this.pending === 0) this.onIdle?.();
  }
}
