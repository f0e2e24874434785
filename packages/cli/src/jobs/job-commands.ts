/** `taskmanager job …`: the long work of the service. */
import { JOB_STATES, type JobInfo, type JobState } from '@taskmanager/client';
import type { Define } from '../act.js';
import { id } from '../arguments.js';
import { ExitCode } from '../exit-codes.js';
import { someOf } from '../one-of.js';
import type { Output } from '../output/output.js';
import { safeJson } from '../output/printable.js';
import { durationText } from '../output/words.js';
import { type PageOptions, tellMore, withPage } from '../page.js';
import { followJob } from './follow-job.js';
import { progressLine } from './progress-line.js';

interface ListOptions extends PageOptions {
  readonly state?: readonly JobState[];
}

export const addJobCommands: Define = (program, act) => {
  const group = program
    .command('job')
    .description('long work of the service: rebuilds, checks, backups');
  withPage(group.command('list').description('jobs of the service’s data folder, the newest first'))
    .addOption(someOf('-s, --state <state>', 'only in these states', JOB_STATES))
    .action(
      act(async ({ output, call, tasks }, { state, limit, cursor }: ListOptions) => {
        const { admin } = await tasks();
        const page = await admin.listJobs({ states: state, limit, cursor, ...call });
        output.answer(page, ({ jobs, nextCursor }) => {
          if (jobs.length === 0) output.note('There is no job.');
          else showJobs(jobs, output);
          tellMore(nextCursor, output);
        });
      }),
    );
  group
    .command('get')
    .description('one job: how far it is, or its result')
    .argument('<job>', 'its id', id)
    .option('-f, --follow', 'wait until it is over')
    .action(
      act(async (session, jobId: string, { follow }: { readonly follow?: true }) => {
        const { output, call } = session;
        const job = follow
          ? await followJob(session, jobId)
          : await (await session.tasks()).admin.getJob(jobId, call);
        output.answer(job, () => showJob(job, output));
        return job.state === 'done' || job.state === 'running' ? ExitCode.Done : ExitCode.Failed;
      }),
    );
  group
    .command('abort')
    .description('end a job; what it has written is taken back')
    .argument('<job>', 'its id', id)
    .option('-r, --reason <text>', 'why')
    .action(
      act(async ({ output, call, tasks }, jobId: string, options: { readonly reason?: string }) => {
        const job = await (await tasks()).admin.abortJob(jobId, options.reason, call);
        output.answer(job, () => showJob(job, output));
      }),
    );
};

function showJobs(jobs: readonly JobInfo[], output: Output): void {
  output.table(
    [
      { title: 'JOB', value: ({ jobId }) => jobId },
      { title: 'KIND', value: ({ kind }) => kind },
      { title: 'STATE', value: ({ state }) => state },
      { title: 'BY', value: ({ by }) => by, shrinkTo: 6, optional: true },
      { title: 'STARTED', value: ({ startedAt }) => output.time(startedAt), optional: true },
      { title: 'TOOK', value: tookOf, align: 'right', optional: true },
      { title: 'ERROR', value: ({ error }) => error, shrinkTo: 8, optional: true },
    ],
    jobs,
  );
}

function showJob(job: JobInfo, output: Output): void {
  output.fields([
    ['job', job.jobId],
    ['kind', job.kind],
    ['state', job.state],
    ['args', safeJson(job.args)],
    ['started', `${output.time(job.startedAt)} by ${job.by}`],
    ['ended', output.time(job.endedAt)],
    ['took', tookOf(job)],
    ['error', job.error],
    ['progress', job.progress && progressLine(job.kind, job.progress)],
  ]);
  if (job.result !== undefined)
    output.line(`${output.paint.bold('result')}  ${safeJson(job.result, 2)}`);
}

function tookOf({ startedAt, endedAt }: JobInfo): string | undefined {
  return endedAt === undefined ? undefined : durationText(endedAt - startedAt);
}
