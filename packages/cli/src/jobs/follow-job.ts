import { setTimeout as sleep } from 'node:timers/promises';
import { type JobInfo, type TaskManager, TaskManagerError } from '@taskmanager/client';
import type { Session } from '../session.js';
import { CommandFailed } from '../usage-error.js';
import { ProgressDisplay } from './progress-display.js';

/** How often a job is asked for: soon at first, and so often at last, milliseconds. */
const FIRST_MS = 50;
const LAST_MS = 500;

/**
 * Waits until a job of the service is over, however long that takes, and shows how far it is.
 *
 * @throws CommandFailed when this program is told to stop; the job goes on without it
 * @throws TaskManagerError when the service cannot be reached any more
 */
export async function followJob(session: Session, jobId: string): Promise<JobInfo> {
  const tasks = await session.tasks();
  let display: ProgressDisplay | undefined;
  try {
    for (let waitMs = FIRST_MS; ; waitMs = Math.min(waitMs * 1.5, LAST_MS)) {
      const job = await read(tasks, jobId, session);
      if (job.state !== 'running') return job;
      display ??= new ProgressDisplay(session.io.errors, job.kind.replaceAll('_', ' '));
      if (job.progress) display.update(job.progress);
      await sleep(waitMs, undefined, { signal: session.signal }).catch(() => undefined);
      if (session.signal.aborted) throw goesOn(jobId);
    }
  } finally {
    display?.stop();
  }
}

async function read(tasks: TaskManager, jobId: string, session: Session): Promise<JobInfo> {
  try {
    return await tasks.admin.getJob(jobId, session.call);
  } catch (error) {
    if (session.signal.aborted) throw goesOn(jobId);
    if (!(error instanceof TaskManagerError) || error.code !== 'UNAVAILABLE') throw error;
    const { code, details, correlationId } = error;
    const message = `${error.message} Whether the job goes on is not known: taskmanager job get ${jobId} tells.`;
    throw new TaskManagerError(code, message, details, correlationId, { cause: error });
  }
}

function goesOn(jobId: string): CommandFailed {
  return new CommandFailed(
    `The job goes on. To follow it: taskmanager job get ${jobId} --follow; to end it: taskmanager job abort ${jobId}`,
  );
}
