/** `audit seal` and `audit verify`: whether the history is whole. */
import { Readable } from 'node:stream';
import type {
  HistoryProblem,
  HistoryReport,
  HistorySeal,
  HistoryVerdict,
} from '@taskmanager/client';
import type { Define } from '../act.js';
import { id } from '../arguments.js';
import { ExitCode } from '../exit-codes.js';
import { type FileOptions, freeFile, textOf, withOut, writeOut } from '../files.js';
import { runJob, type WaitOption, withWait } from '../jobs/run-job.js';
import type { Output } from '../output/output.js';
import { printable, safeJson } from '../output/printable.js';
import { amountText, countText } from '../output/words.js';
import { UsageError } from '../usage-error.js';

interface VerifyOptions extends WaitOption {
  readonly task?: string;
  readonly seal?: string;
}

export const defineSeal: Define = (group, act) => {
  const seal = group.command('seal').description('a digest of all histories, to be kept elsewhere');
  withOut(withWait(seal))
    .addHelpText(
      'after',
      `
A chain of hashes cannot show that its newest events were cut off, or that a whole task is gone: a seal
that lies elsewhere can. Give it to taskmanager audit verify --seal.

Example:
  taskmanager audit seal --out seal-$(date +%F).json`,
    )
    .action(
      act(async (session, options: WaitOption & FileOptions) => {
        if (!options.wait && options.out !== undefined)
          throw new UsageError('--out needs the seal, which --no-wait does not wait for.');
        await freeFile(options);
        return runJob<HistorySeal>(
          session,
          options,
          (admin, call) => admin.sealHistory(call),
          async (seal) => {
            await writeOut(options, session.io, Readable.from([`${safeJson(seal, 2)}\n`]));
            const { output } = session;
            const covers = `${amountText(seal.events, 'event')} of ${amountText(seal.streams, 'stream')}`;
            output.note(output.paintErrors.dim(`It covers ${covers}. Keep it on another machine.`));
          },
        );
      }),
    );
};

export const defineVerify: Define = (group, act) => {
  withWait(
    group.command('verify').description('check the hash chains of everything, or of one task'),
  )
    .option('--task <id>', 'only this task and its refusals', id)
    .option('--seal <file>', 'show what is missing since this seal was made')
    .addHelpText('after', '\nExit code 0: it is whole; 3: it is not.')
    .action(
      act(async (session, options: VerifyOptions) => {
        const { output } = session;
        const seal = options.seal === undefined ? undefined : await readSeal(options.seal);
        if (options.task !== undefined && seal === undefined) {
          const verdict = await (await session.tasks()).verifyHistory(options.task, session.call);
          output.answer(verdict, () => showVerdict(verdict, output));
          return verdict.ok ? ExitCode.Done : ExitCode.Found;
        }
        return runJob<HistoryReport>(
          session,
          options,
          (admin, call) => admin.verifyHistory({ id: options.task, seal }, call),
          (report) => {
            output.answer(report, () => showReport(report, output));
            return report.ok ? ExitCode.Done : ExitCode.Found;
          },
        );
      }),
    );
};

async function readSeal(path: string): Promise<HistorySeal> {
  const text = await textOf(path);
  let seal: unknown;
  try {
    seal = JSON.parse(text);
  } catch {
    seal = undefined;
  }
  const { format, version } = (seal ?? {}) as Partial<HistorySeal>;
  if (format !== 'taskmanager-seal' || version !== 1)
    throw new UsageError(`${path} is no seal: audit seal writes them.`);
  return seal as HistorySeal;
}

function showVerdict(
  { taskId, ok, events, refusals, problems, unwitnessed }: HistoryVerdict,
  output: Output,
): void {
  const amount = `${amountText(events, 'event')} and ${amountText(refusals, 'refusal')}`;
  output.line(
    ok
      ? `${output.paint.green('✓')} The history of ${taskId} is whole: ${amount}.`
      : `${output.paint.red('✗')} The history of ${taskId} is not whole:`,
  );
  if (unwitnessed !== undefined) output.line(`! ${printable(unwitnessed)}`);
  showProblems(problems, problems.length, output);
}

function showReport(report: HistoryReport, output: Output): void {
  const { ok, events, streams, position, problems, problemCount, seal, unwitnessed } = report;
  const at = position === undefined ? '' : ` up to ${position}`;
  const amount = `${amountText(events, 'event')} of ${amountText(streams, 'stream')}${at}`;
  output.line(
    ok
      ? `${output.paint.green('✓')} The history is whole: ${amount}.`
      : `${output.paint.red('✗')} The history is not whole: ${amountText(problemCount, 'problem')} in ${amount}.`,
  );
  if (seal?.ok) {
    const since = `${amountText(seal.eventsSince, 'event')} came since`;
    output.line(
      ok
        ? `${output.paint.green('✓')} All that the seal covers is there; ${since}.`
        : `! The histories end as they did when they were sealed, and ${since}: none was cut off or replaced. Whether what lies before those ends was changed, a seal does not show; see below.`,
    );
  } else if (seal)
    output.line(
      `${output.paint.red('✗')} It is not what was sealed: ${amountText(seal.missingEvents, 'event')} and ${amountText(seal.missingStreams, 'stream')} fewer are there.`,
    );
  if (unwitnessed !== undefined) output.line(`! ${printable(unwitnessed)}`);
  showProblems(problems, problemCount, output);
}

function showProblems(problems: readonly HistoryProblem[], count: number, output: Output): void {
  for (const { code, text, taskId, stream, revision, type, position } of problems) {
    const place = [
      taskId ?? stream,
      revision === undefined ? undefined : `revision ${revision}`,
      type,
      position,
    ].filter((part) => part !== undefined);
    const where = place.length === 0 ? '' : ` ${output.paint.dim(printable(place.join(', ')))}`;
    output.line(`- ${output.paint.bold(code)}${where}`);
    output.line(`  ${printable(text)}`);
  }
  const more = count - problems.length;
  if (more > 0) output.line(`… and ${countText(more)} more.`);
}
