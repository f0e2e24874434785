import { Worker } from 'node:worker_threads';
import type { CopiedLog, CopyWork, Report } from './copied-log.js';

/** What the thread is given, and what it tells. */
export interface ThreadWork {
  readonly from: string;
  readonly to: string;
}
export type FromThread =
  | { readonly progress: Parameters<Report>[0] }
  | { readonly copied: CopiedLog }
  | { readonly failure: string };

/** As copyLog, in a thread of its own. Rejects with the signal's reason once the thread has ended. */
export async function copyInThread(
  program: URL,
  work: ThreadWork,
  { signal, report }: CopyWork,
): Promise<CopiedLog> {
  signal?.throwIfAborted();
  const worker = new Worker(program, { workerData: work });
  const end = (): void => void worker.terminate();
  signal?.addEventListener('abort', end, { once: true });
  let outcome: CopiedLog | Error = new Error('The thread that copies the log ended.');
  try {
    await new Promise<void>((resolve) => {
      worker.on('message', (message: FromThread) => {
        if ('progress' in message) report(message.progress);
        else if ('copied' in message) outcome = message.copied;
        else outcome = new Error(message.failure);
      });
      worker.on('error', (error) => (outcome = error));
      worker.on('exit', () => resolve());
    });
  } finally {
    signal?.removeEventListener('abort', end);
  }
  signal?.throwIfAborted();
  if (outcome instanceof Error) throw outcome;
  return outcome;
}
