/** The thread that owns the audit files: it takes one call at a time and answers each; see `AuditThread`. */
import { parentPort } from 'node:worker_threads';
import { AuditFiles } from './audit-files.js';
import type { AnswerOfThread, AuditMethod, CallOfThread } from './audit-thread.js';

const files = new AuditFiles();
const calls = files as unknown as Readonly<
  Record<AuditMethod, (...args: readonly unknown[]) => unknown>
>;

function answerTo({ id, method, args }: CallOfThread): AnswerOfThread {
  try {
    return { id, result: calls[method](...args) };
  } catch (error) {
    const { message, code } = error as { message: string; code?: unknown };
    return { id, error: { message, ...(typeof code === 'string' && { code }) } };
  }
}

parentPort?.on('message', (call: CallOfThread | 'close') => {
  if (call !== 'close') {
    parentPort?.postMessage(answerTo(call));
    return;
  }
  files.closeAll();
  parentPort?.close();
});
