/** `taskmanager projection …`: build views again, compare them with the log, try code on history. */
import type { DryRunReport, ProjectionReport, RebuildReport } from '@taskmanager/client';
import type { Command } from 'commander';
import type { Define } from '../act.js';
import { ExitCode } from '../exit-codes.js';
import { runJob, type WaitOption, withWait } from '../jobs/run-job.js';
import type { Output } from '../output/output.js';
import { printable } from '../output/printable.js';
import { amountText } from '../output/words.js';
import { showDifferences } from './difference-table.js';

interface RebuildOptions extends WaitOption {
  readonly keepOld: boolean;
}

interface DryRunOptions extends WaitOption {
  readonly from?: string;
  readonly to?: string;
}

export const addProjectionCommands: Define = (program, act) => {
  const group = program
    .command('projection')
    .description('rebuild views, compare them with the log, try code on history');
  const about = (name: string, description: string): Command =>
    group
      .command(name)
      .description(description)
      .argument('<projection>', 'as processor list names it, e.g. tasks');

  withWait(
    about('rebuild', 'build a view anew beside the one that serves, verify it, and swap it in'),
  )
    .option('--no-keep-old', 'drop the build that served before')
    .addHelpText('after', '\nThe old build is kept until taskmanager projection drop.')
    .action(
      act(async (session, projection: string, options: RebuildOptions) => {
        // What is dropped cannot be had back; without that nothing is lost by a rebuild.
        if (!options.keepOld)
          await session.confirm(() => `Rebuild ${projection} and drop the build that serves now?`);
        return runJob<RebuildReport>(
          session,
          options,
          (admin, call) =>
            admin.rebuildProjection(projection, { keepOld: options.keepOld, ...call }),
          (report) => showReport(report, session.output, builtText(report)),
        );
      }),
    );

  withWait(about('verify', 'compare the view that serves with the log; changes nothing')).action(
    act((session, projection: string, options: WaitOption) =>
      runJob<ProjectionReport>(
        session,
        options,
        (admin, call) => admin.verifyProjection(projection, call),
        (report) => showReport(report, session.output, ''),
      ),
    ),
  );

  withWait(
    about('dry-run', 'run a projection of the present code over the log, without any effect'),
  )
    .option('--from <position>', 'only after this position of the log')
    .option('--to <position>', 'only up to this position')
    .action(
      act((session, projection: string, { from, to, ...options }: DryRunOptions) =>
        runJob<DryRunReport>(
          session,
          options,
          (admin, call) => admin.dryRunProjection(projection, { from, to, ...call }),
          (report) => showDryRun(report, session.output),
        ),
      ),
    );

  about('drop', 'drop the builds that were kept; asks before').action(
    act(async ({ confirm, output, call, tasks }, projection: string) => {
      await confirm(
        () => `Drop the builds of ${projection} that do not serve? They cannot be had back.`,
      );
      const answer = await (await tasks()).admin.dropProjectionBuilds(projection, call);
      output.answer(answer, ({ dropped }) =>
        output.line(
          dropped.length === 0 ? 'There was nothing to drop.' : `Dropped: ${dropped.join(', ')}.`,
        ),
      );
    }),
  );
};

function builtText({ events, generation, kept }: RebuildReport): string {
  const old = kept === undefined ? '' : ` Build ${kept} is kept: taskmanager projection drop.`;
  return `Build ${generation} serves, made of ${amountText(events, 'event')}.${old}`;
}

function showReport(report: ProjectionReport, output: Output, before: string): ExitCode {
  output.answer(report, ({ projection, ok, rows, differences, differenceCount, position }) => {
    if (before !== '') output.line(before);
    const at = position === undefined ? '' : `, at ${position}`;
    const compared = `${amountText(rows, 'row')} compared${at}.`;
    output.line(
      ok
        ? `${output.paint.green('✓')} ${printable(projection)} agrees with the log: ${compared}`
        : `${output.paint.red('✗')} ${printable(projection)} differs from the log in ${amountText(differenceCount, 'place')}: ${compared}`,
    );
    showDifferences(differences, differenceCount, output);
  });
  return report.ok ? ExitCode.Done : ExitCode.Found;
}

function showDryRun(report: DryRunReport, output: Output): ExitCode {
  output.answer(report, ({ projection, ok, events, tasks, failures, failureCount, position }) => {
    const mark = ok ? output.paint.green('✓') : output.paint.red('✗');
    const at = position === undefined ? '' : `, up to ${position}`;
    output.line(
      `${mark} ${printable(projection)} over ${amountText(events, 'event')} of ${amountText(tasks, 'task')}${at}: ${amountText(failureCount, 'event')} it cannot take, ${amountText(report.differenceCount, 'difference')} from the view that serves.`,
    );
    if (failures.length > 0)
      output.table(
        [
          { title: 'TASK', value: ({ taskId }) => taskId },
          { title: 'REV', value: ({ revision }) => revision, align: 'right' },
          { title: 'EVENT', value: ({ type }) => type },
          { title: 'ERROR', value: ({ error }) => error, shrinkTo: 12 },
        ],
        failures,
      );
    showDifferences(report.differences, report.differenceCount, output);
  });
  return report.ok ? ExitCode.Done : ExitCode.Found;
}
