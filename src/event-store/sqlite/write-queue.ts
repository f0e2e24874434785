import { LogOverloaded, LogUnavailable } from '../event-log.errors.js';
import type { BatchWriter, NotBegun, WriteAnswer } from './log-writer.js';
import { errorOf } from './sqlite-failure.js';
import type { SqliteSettings } from './sqlite-options.js';
import type { AnswerOf, ArgumentsOf, OperationName, WriteOperation } from './write-operations.js';

const BUSY_RETRY_MS = 5;

interface QueuedWrite {
  readonly operation: WriteOperation;
  readonly chars: number;
  readonly since: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Told what became of each batch, in the log's order, before those who wait for it. */
export type BatchObserver = (
  batch: readonly WriteOperation[],
  answers: readonly WriteAnswer[],
) => void;

/**
 * Writes that arrive while a batch is being written, or in one turn of the event loop, wait here and
 * are committed together. The queue is bounded in number and size, and so is each batch.
 */
export class WriteQueue {
  private waiting: QueuedWrite[] = [];
  private waitingChars = 0;
  /** A batch is being written, or will be soon. */
  private busy = false;
  private closed = false;
  private readonly observers: BatchObserver[] = [];
  private readonly drained: (() => void)[] = [];

  constructor(
    private readonly writer: BatchWriter,
    private readonly settings: SqliteSettings,
  ) {}

  observe(observer: BatchObserver): void {
    this.observers.push(observer);
  }

  /** Resolves with the operation's answer once it is durable; `chars` is the text it writes. */
  run<Name extends OperationName>(
    name: Name,
    args: ArgumentsOf<Name>,
    chars = 0,
  ): Promise<AnswerOf<Name>> {
    if (this.closed) return Promise.reject(new LogUnavailable('it is closed', false));
    const { maxQueuedWrites, maxQueuedChars } = this.settings;
    if (this.waiting.length >= maxQueuedWrites || this.waitingChars > maxQueuedChars) {
      return Promise.reject(new LogOverloaded(this.waiting.length));
    }
    return new Promise<AnswerOf<Name>>((resolve, reject) => {
      const settle = resolve as (answer: unknown) => void;
      const since = performance.now();
      this.waiting.push({ operation: { name, args }, chars, since, resolve: settle, reject });
      this.waitingChars += chars;
      if (!this.busy) this.writeSoon();
    });
  }

  /** Resolves when everything queued so far has been answered. */
  async drain(): Promise<void> {
    if (this.busy) await new Promise<void>((resolve) => this.drained.push(resolve));
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.drain();
  }

  private readonly next = (): void => void this.writeBatch();

  private writeSoon(): void {
    this.busy = true;
    setImmediate(this.next);
  }

  private async writeBatch(): Promise<void> {
    const batch = this.take(this.settings.maxFlushWrites);
    const operations = batch.map(({ operation }) => operation);
    const outcome = await this.writer.write(operations);
    if ('notBegun' in outcome) this.putBack(batch, outcome);
    else this.settle(batch, operations, outcome.answers);
    if (this.waiting.length === 0) this.rest();
    else if ('notBegun' in outcome) setTimeout(this.next, BUSY_RETRY_MS * (1 + Math.random()));
    else setImmediate(this.next);
  }

  private settle(
    batch: readonly QueuedWrite[],
    operations: readonly WriteOperation[],
    answers: readonly WriteAnswer[],
  ): void {
    for (const observer of this.observers) observer(operations, answers);
    answers.forEach((answer, index) => {
      if (answer.failure) batch[index]?.reject(errorOf(answer.failure));
      else batch[index]?.resolve(answer.value);
    });
  }

  /**
   * Nothing was begun. While another process writes it is tried again outside of SQLite, so that reads
   * and the event loop go on. What has waited too long is refused, and everything is when the file
   * cannot be written at all.
   */
  private putBack(batch: QueuedWrite[], { notBegun, busy }: NotBegun): void {
    const latest = busy ? performance.now() - this.settings.busyLimitMs : Infinity;
    const all = [...batch, ...this.waiting];
    const late = all.findIndex(({ since }) => since > latest);
    const refused = all.splice(0, late === -1 ? all.length : late);
    this.waiting = all;
    this.waitingChars = all.reduce((sum, { chars }) => sum + chars, 0);
    for (const { reject } of refused) reject(errorOf(notBegun));
  }

  private take(limit: number): QueuedWrite[] {
    let count = 0;
    let chars = 0;
    for (const write of this.waiting) {
      if (count === limit || (count > 0 && chars + write.chars > this.settings.maxFlushChars))
        break;
      count += 1;
      chars += write.chars;
    }
    this.waitingChars -= chars;
    return this.waiting.splice(0, count);
  }

  private rest(): void {
    this.busy = false;
    for (const resolve of this.drained.splice(0)) resolve();
  }
}
