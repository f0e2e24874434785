/** `taskmanager policy dry-run`: what another retry policy would have decided. */
import type { PolicyChange, PolicyReport, RetryDecision } from '@taskmanager/client';
import { Option } from 'commander';
import type { Define } from '../act.js';
import { duration, list, wholeNumber } from '../arguments.js';
import { ExitCode } from '../exit-codes.js';
import { runJob, type WaitOption, withWait } from '../jobs/run-job.js';
import type { Output } from '../output/output.js';
import { amountText, countText, durationText } from '../output/words.js';
import { UsageError } from '../usage-error.js';

interface PolicyOptions extends WaitOption {
  readonly type?: readonly string[];
  readonly maxRetries?: number;
  readonly delay?: number;
  readonly backoff?: 'fixed' | 'exponential';
  readonly maxDelay?: number;
}

export const addPolicyCommands: Define = (program, act) => {
  const group = program
    .command('policy')
    .description('what another retry policy would have decided');
  withWait(
    group
      .command('dry-run')
      .description('decide every recorded failure again; nothing is written or retried'),
  )
    .option('-t, --type <type>', 'only tasks of these types', list)
    .option(
      '--max-retries <number>',
      'instead of what each task was created with',
      wholeNumber(0, 1_000),
    )
    .option('--delay <duration>', 'likewise, e.g. 5s', duration)
    .addOption(new Option('--backoff <type>', 'likewise').choices(['fixed', 'exponential']))
    .option('--max-delay <duration>', 'with --backoff: no delay is longer', duration)
    .addHelpText(
      'after',
      `
Without options it is the present code that is tried. Exit code 3: some decisions would change, or
could not be made again.

Example:
  taskmanager policy dry-run --type clone_repository --backoff exponential --delay 5s --max-delay 10m`,
    )
    .action(
      act((session, options: PolicyOptions) => {
        const { type, maxRetries, delay, backoff, maxDelay } = options;
        if (maxDelay !== undefined && backoff === undefined)
          throw new UsageError('--max-delay is part of a backoff: give --backoff, too.');
        const policy = {
          taskTypes: type,
          maxRetries,
          retryDelayMs: delay,
          backoff: backoff && { type: backoff, maxDelayMs: maxDelay },
        };
        return runJob<PolicyReport>(
          session,
          options,
          (admin, call) => admin.dryRunPolicy({ ...policy, ...call }),
          (report) => show(report, session.output),
        );
      }),
    );
};

function show(report: PolicyReport, output: Output): ExitCode {
  output.answer(report, ({ failures, unreadable, changes, changeCount }) => {
    output.line(
      `${amountText(failures, 'recorded failure')}, ${countText(changeCount)} would be decided otherwise.`,
    );
    if (unreadable > 0)
      output.line(
        `! ${countText(unreadable)} could not be decided again: an event of their task cannot be read here.`,
      );
    if (changes.length > 0) showChanges(changes, output);
    if (changeCount > changes.length)
      output.line(`… and ${countText(changeCount - changes.length)} more.`);
  });
  return report.changeCount + report.unreadable === 0 ? ExitCode.Done : ExitCode.Found;
}

function showChanges(changes: readonly PolicyChange[], output: Output): void {
  output.table(
    [
      { title: 'TASK', value: ({ taskId }) => taskId },
      { title: 'REV', value: ({ revision }) => revision, align: 'right' },
      { title: 'AT', value: ({ at }) => output.time(at), optional: true },
      { title: 'TYPE', value: ({ taskType }) => taskType, shrinkTo: 8, optional: true },
      { title: 'ATTEMPT', value: ({ attempt }) => attempt, align: 'right', optional: true },
      { title: 'RECORDED', value: ({ recorded }) => decisionText(recorded) },
      { title: 'NOW', value: ({ now }) => decisionText(now) },
    ],
    changes,
  );
}

function decisionText({ willRetry, delayMs }: RetryDecision): string {
  if (!willRetry) return 'no retry';
  return delayMs === undefined ? 'retry' : `retry in ${durationText(delayMs)}`;
}
