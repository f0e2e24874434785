/** Reaches the audit files, which a thread of their own owns. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { AuditFiles, NOT_OPEN } from './audit-files.js';

const THREAD = new URL('./audit.thread.js', import.meta.url);
/** A call is bounded to some tens of milliseconds; those before it in the queue come on top. */
const CALL_LIMIT_MS = 60_000;
const CLOSE_LIMIT_MS = 10_000;

/** What the thread can be asked. */
export type AuditMethod = Exclude<keyof AuditFiles, 'closeAll'>;
type Arguments<M extends AuditMethod> = Parameters<AuditFiles[M]>;
type Result<M extends AuditMethod> = ReturnType<AuditFiles[M]>;

export interface CallOfThread {
  readonly id: number;
  readonly method: AuditMethod;
  readonly args: readonly unknown[];
}

export type AnswerOfThread = { readonly id: number } & (
  | { readonly result: unknown }
  | { readonly error: { readonly message: string; readonly code?: string } }
);

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
  readonly limit: NodeJS.Timeout;
}

/**
 * {@link AuditFiles} in a thread: rows are written, looked for and compared beside the event loop. It takes
 * one call at a time, in their order, and each is bounded. The thread starts with the first call, and anew
 * with the next one when it has died: files are then to be opened again, and `ended` is called.
 */
export class AuditThread {
  /** Told that the thread died: no file is open any more. */
  ended: () => void = () => undefined;
  private worker: Worker | undefined;
  private closed = false;
  private readonly waiting = new Map<number, Waiting>();
  private readonly inPlace: AuditFiles | undefined;
  private calls = 0;

  /** @param program of the thread; where nothing is compiled, as in tests, all is done in place */
  constructor(private readonly program: URL | undefined = existsSync(THREAD) ? THREAD : undefined) {
    this.inPlace = program === undefined ? new AuditFiles() : undefined;
  }

  /** Rejects with what the method throws; errors of SQLite keep their `code`. */
  async call<M extends AuditMethod>(method: M, ...args: Arguments<M>): Promise<Result<M>> {
    if (this.closed) throw new Error('The audit is closed.');
    if (this.inPlace) {
      await nextTurn();
      const call = this.inPlace[method] as (...given: Arguments<M>) => Result<M>;
      return call.apply(this.inPlace, args);
    }
    const worker = (this.worker ??= this.start());
    const id = (this.calls += 1);
    return new Promise<Result<M>>((resolve, reject) => {
      const limit = setTimeout(() => {
        this.died(worker, `${method} took longer than ${CALL_LIMIT_MS} ms`);
        void worker.terminate();
      }, CALL_LIMIT_MS);
      this.waiting.set(id, { resolve, reject, limit });
      // Only a call under way keeps the process alive.
      worker.ref();
      worker.postMessage({ id, method, args } satisfies CallOfThread);
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.inPlace?.closeAll();
    const { worker } = this;
    if (!worker) return;
    worker.ref();
    const ended = once(worker, 'exit', { signal: AbortSignal.timeout(CLOSE_LIMIT_MS) });
    worker.postMessage('close');
    // What is committed already stays so, however the thread ends.
    await ended.catch(() => worker.terminate());
  }

  private start(): Worker {
    const worker = new Worker(this.program as URL);
    worker.on('message', (answer: AnswerOfThread) => this.settle(worker, answer));
    worker.on('error', (error) => this.died(worker, error.message));
    worker.on('exit', (code) => this.died(worker, `exit code ${code}`));
    return worker;
  }

  private settle(worker: Worker, answer: AnswerOfThread): void {
    const waiting = this.waiting.get(answer.id);
    clearTimeout(waiting?.limit);
    this.waiting.delete(answer.id);
    // The end of a thread that is closed is waited for.
    if (this.waiting.size === 0 && !this.closed) worker.unref();
    if ('result' in answer) waiting?.resolve(answer.result as never);
    else {
      const { message, code } = answer.error;
      waiting?.reject(Object.assign(new Error(message), code !== undefined && { code }));
    }
  }

  private died(worker: Worker, why: string): void {
    if (this.worker !== worker) return;
    this.worker = undefined;
    const error = new Error(`The thread of the audit ended: ${why}`);
    for (const { reject, limit } of this.waiting.values()) {
      clearTimeout(limit);
      reject(Object.assign(error, { code: NOT_OPEN }));
    }
    this.waiting.clear();
    this.ended();
  }
}
