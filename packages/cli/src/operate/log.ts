/** `taskmanager log …` */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LogStats } from '@taskmanager/client';
import type { Define } from '../act.js';
import type { ExitCode } from '../exit-codes.js';
import type { Output } from '../output/output.js';
import { bytesText, countText } from '../output/words.js';
import { CommandFailed } from '../usage-error.js';

/** Where this package lies in a clone and in the service's container. */
const SCRIPTS = new URL('../../../../scripts/', import.meta.url);
const DIST = new URL('../../../../dist/log-copy/main.js', import.meta.url);

export const addLogCommands: Define = (program, act) => {
  const group = program.command('log').description('the event log');
  group
    .command('stats')
    .description('what it holds')
    .action(
      act(async ({ output, call, tasks }) => {
        const stats = await (await tasks()).admin.logStats(call);
        output.answer(stats, () => showStats(stats, output));
      }),
    );
  group
    .command('copy')
    .description('copy an event log into another one; its own help says how')
    .argument('[arguments...]', 'those of npm run log:copy')
    .allowUnknownOption()
    .helpOption(false)
    .addHelpText(
      'after',
      '\nExample:\n  taskmanager log copy --from sqlite:./data --to sqlite:./copy',
    )
    .action(act(({ signal }, args: readonly string[]) => copy(args, signal)));
};

/** The program that comes with the service, not a message to it: it runs while the service is stopped. */
async function copy(args: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const script = fileURLToPath(new URL('log-copy.mjs', SCRIPTS));
  if (!existsSync(script) || !existsSync(DIST))
    throw new CommandFailed(
      'log copy is part of the service: run it in a clone that was built (npm run build), or in its container.',
    );
  const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit' });
  // On a terminal Ctrl-C reaches it by itself.
  const pass = () => child.kill('SIGTERM');
  signal.addEventListener('abort', pass);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    // Its codes are those of this command line.
    return (code ?? 1) as ExitCode;
  } finally {
    signal.removeEventListener('abort', pass);
  }
}

function showStats(stats: LogStats, output: Output): void {
  const { logId, kind, head, events, tasks, refusals, firstAt, lastAt, byType, bytes } = stats;
  output.fields([
    ['log', `${logId} (${kind})`],
    ['events', countText(events)],
    ['tasks', countText(tasks)],
    ['refusals', countText(refusals)],
    ['first', output.time(firstAt)],
    ['last', output.time(lastAt)],
    ['head', head],
    ['size', bytes === undefined ? undefined : bytesText(bytes)],
  ]);
  const types = Object.entries(byType).sort(([, a], [, b]) => b - a);
  if (types.length === 0) return;
  output.line();
  output.table(
    [
      { title: 'EVENT', value: ([type]) => type },
      { title: 'COUNT', value: ([, count]) => countText(count), align: 'right' },
    ],
    types,
  );
}
