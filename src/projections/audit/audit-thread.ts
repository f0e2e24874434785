/** Reaches the audit files, which a thread of their own owns. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { AuditFiles, NOT_OPEN } from './audit-files.js';

const THREAD = new URL('./audit.thread.js', import.meta.url);
/** A call is bounded to some tens of milliseconds: a thread that answers nothing for so long hangs. */
const SILENCE_MS = 60_000;
const CLOSE_LIMIT_MS = 10_000;
/** What a batch makes is garbage when it is written: the thread needs no room as the event loop does. */
const YOUNG_MB = 8;

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
  readonly method: AuditMethod;
  /** When it was sent, `performance.now()`. */
  readonly since: number;
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
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
  private answeredAt = 0;
  /** Set while calls wait; each answer begins it anew, however many are behind it. */
  private silence: NodeJS.Timeout | undefined;

  /** @param program of the thread; where nothing is compiled, as in tests, all is done in place */
  constructor(
    private readonly program: URL | undefined = existsSync(THREAD) ? THREAD : undefined,
    private readonly silenceMs = SILENCE_MS,
  ) {
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
      this.silence ??= setTimeout(() => {
        this.died(worker, `it answered nothing for ${this.silenceMs} ms`);
        void worker.terminate();
      }, this.silenceMs);
      this.waiting.set(id, { method, since: performance.now(), resolve, reject });
      // Only a call under way keeps the process alive.
      worker.ref();
      worker.postMessage({ id, method, args } satisfies CallOfThread);
    });
  }

  /** For people: what it is at, and for how long; undefined when nobody waits for it. */
  get busyWith(): string | undefined {
    const [first] = this.waiting.values();
    if (!first) return undefined;
    const seconds = (performance.now() - Math.max(first.since, this.answeredAt)) / 1_000;
    const others = this.waiting.size - 1;
    return `its thread has been at "${first.method}" for ${seconds.toFixed(1)} s, ${others} more wait`;
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
    const worker = new Worker(this.program as URL, {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    worker.on('message', (answer: AnswerOfThread) => this.settle(worker, answer));
    worker.on('error', (error) => this.died(worker, error.message));
    worker.on('exit', (code) => this.died(worker, `exit code ${code}`));
    return worker;
  }

  private settle(worker: Worker, answer: AnswerOfThread): void {
    const waiting = this.waiting.get(answer.id);
    this.answeredAt = performance.now();
    this.waiting.delete(answer.id);
    if (this.waiting.size > 0) this.silence?.refresh();
    else {
      this.forgetSilence();
      // The end of a thread that is closed is waited for.
      if (!this.closed) worker.unref();
    }
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
    this.forgetSilence();
    for (const { reject } of this.waiting.values()) {
      reject(Object.assign(error, { code: NOT_OPEN }));
    }
    this.waiting.clear();
    this.ended();
  }

  private forgetSilence(): void {
    clearTimeout(this.silence);
    this.silence = undefined;
  }
}
