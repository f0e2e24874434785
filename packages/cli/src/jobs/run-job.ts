import type { AdminCalls, CommandOptions, JobAnswer, JobInfo } from '@taskmanager/client';
import type { Command } from 'commander';
import type { ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { CommandFailed } from '../usage-error.js';
import { followJob } from './follow-job.js';

export interface WaitOption {
  readonly wait: boolean;
}

/** For commands that start a job. */
export function withWait(command: Command): Command {
  return command.option('--no-wait', 'only start it: answers the id of the job');
}

/**
 * Starts a job of the service and, unless `wait` is off, follows it to its end.
 *
 * @param show what becomes of its result, and of the exit code
 * @throws CommandFailed when the job failed, was aborted or interrupted
 */
export async function runJob<R>(
  session: Session,
  { wait }: WaitOption,
  start: (admin: AdminCalls, call: CommandOptions) => Promise<JobAnswer>,
  show: (result: R) => ExitCode | void | Promise<ExitCode | void>,
): Promise<ExitCode | void> {
  const { output } = session;
  const { admin } = await session.tasks();
  const started = await start(admin, session.call);
  if (!wait) {
    output.answer(started, ({ jobId }) => output.line(jobId));
    return;
  }
  const job = await followJob(session, started.jobId);
  if (job.state !== 'done') throw new CommandFailed(whyNot(job));
  // The shape of a result is that of its kind, and the kind is that of the message.
  return show(job.result as R);
}

function whyNot({ jobId, kind, state, error }: JobInfo): string {
  const again = state === 'interrupted' ? ' Start it again.' : '';
  const how = state === 'failed' ? 'has failed' : `was ${state}`;
  return `The job ${jobId} (${kind}) ${how}${error === undefined ? '.' : `: ${error}`}${again}`;
}
