import type { JobProgress } from '@taskmanager/protocol';
import type { LogFiles } from '../event-store/index.js';
import { digestOf, type FileFacts, type LogFacts, verifyLog } from './verified-log.js';

export type Report = (progress: Omit<JobProgress, 'rate' | 'leftMs'>) => void;

export interface CopyWork {
  readonly signal?: AbortSignal;
  readonly report: Report;
}

export interface CopiedLog {
  readonly log: LogFacts;
  readonly file: FileFacts;
}

/** Copies a log while it is written to, and reads all of the copy. Rejects when anything does not fit. */
export async function copyLog(
  files: LogFiles,
  from: string,
  to: string,
  { signal, report }: CopyWork,
): Promise<CopiedLog> {
  const onProgress = (step: string, unit: string) => (done: number, total: number) =>
    report({ step, done, total, unit });
  await files.copy(from, to, { signal, onProgress: onProgress('copy', 'bytes') });
  const log = await verifyLog(files, to, { signal, onProgress: onProgress('verify', 'events') });
  const file = await digestOf(to, { signal, onProgress: onProgress('digest', 'bytes') });
  return { log, file };
}
