/** A task as a handler is given it, without a service: says what was reported, and can be stopped. */
import { randomUUID } from 'node:crypto';
import { type RunningTask, TaskStopped } from '@taskmanager/client';
import type { Json, TaskInfo } from '@taskmanager/protocol';

export interface TestTask extends RunningTask {
  /** Every progress report, oldest first. */
  readonly reports: readonly { readonly value: unknown; readonly message: string | undefined }[];
  readonly checkpoints: readonly Json[];
  stop(kind: TaskStopped['kind']): void;
}

export function testTask(
  input: Json,
  given: { readonly id?: string; readonly attempt?: number; readonly checkpoint?: Json } = {},
): TestTask {
  const { id = randomUUID(), attempt = 1, checkpoint } = given;
  const reports: { value: unknown; message: string | undefined }[] = [];
  const checkpoints: Json[] = [];
  const stopping = new AbortController();
  const say = () => undefined;
  return {
    id,
    attempt,
    input,
    checkpoint,
    taskType: 'test',
    name: 'test',
    appName: 'test',
    info: {} as TaskInfo,
    signal: stopping.signal,
    log: { debug: say, info: say, warn: say, error: say },
    progress: (value, message) => reports.push({ value, message }),
    saveCheckpoint: async (value) => {
      stopping.signal.throwIfAborted();
      checkpoints.push(value);
    },
    pausePoint: async () => stopping.signal.throwIfAborted(),
    requestApproval: () => Promise.reject(new Error('nobody to ask')),
    reports,
    checkpoints,
    stop: (kind) => stopping.abort(new TaskStopped(kind, `The task was ${kind}.`)),
  };
}
