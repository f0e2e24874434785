import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { BatchOutcome, BatchWriter } from './log-writer.js';
import type { WriteFailure } from './sqlite-failure.js';
import type { SqliteSettings } from './sqlite-options.js';
import type { WriteOperation } from './write-operations.js';

const CLOSE_LIMIT_MS = 30_000;

/** What the thread is sent: a batch, or the end. */
export type ToWriterThread = readonly WriteOperation[] | 'close';

/**
 * A {@link LogWriter} in a thread of its own. The thread starts with the first batch, and anew with the
 * next one when it has died: what it was writing then may stand or not.
 */
export class ThreadedLogWriter implements BatchWriter {
  private worker: Worker | undefined;
  private settle: ((outcome: BatchOutcome | WriteFailure) => void) | undefined;

  constructor(
    private readonly program: URL,
    private readonly settings: SqliteSettings,
  ) {}

  write(batch: readonly WriteOperation[]): Promise<BatchOutcome> {
    return new Promise((resolve) => {
      const worker = (this.worker ??= this.start());
      // Only a write under way keeps the process alive.
      worker.ref();
      this.settle = (outcome) => {
        this.settle = undefined;
        worker.unref();
        resolve(
          'reason' in outcome ? { answers: batch.map(() => ({ failure: outcome })) } : outcome,
        );
      };
      this.send(worker, batch);
    });
  }

  async close(): Promise<void> {
    const worker = this.worker;
    if (!worker) return;
    worker.ref();
    const ended = once(worker, 'exit', { signal: AbortSignal.timeout(CLOSE_LIMIT_MS) });
    this.send(worker, 'close');
    // What is durable already stays so, however the thread ends.
    await ended.catch(() => worker.terminate());
  }

  private start(): Worker {
    const worker = new Worker(this.program, { workerData: this.settings });
    const died = (why: string): void => {
      if (this.worker !== worker) return;
      this.worker = undefined;
      this.settle?.({ reason: `the thread that writes ended: ${why}`, outcomeUnknown: true });
    };
    worker.on('message', (outcome: BatchOutcome) => this.settle?.(outcome));
    worker.on('error', (error) => died(error.message));
    worker.on('exit', (code) => died(`exit code ${code}`));
    return worker;
  }

  private send(worker: Worker, message: ToWriterThread): void {
    worker.postMessage(message);
  }
}
