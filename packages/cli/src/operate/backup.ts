/** `taskmanager backup`: a verified copy of the running service's log. */
import type { BackupReport } from '@taskmanager/client';
import type { Define } from '../act.js';
import { runJob, type WaitOption, withWait } from '../jobs/run-job.js';
import { printable } from '../output/printable.js';
import { amountText, bytesText } from '../output/words.js';

export const addBackupCommand: Define = (program, act) => {
  withWait(
    program
      .command('backup')
      .description(
        'copy the log of the running service into its backup folder, and verify the copy',
      )
      .argument('[name]', 'of the folder; the time when left out'),
  )
    .addHelpText('after', '\nTo put one back: npm run restore -- --help, where the service runs.')
    .action(
      act((session, name: string | undefined, options: WaitOption) =>
        runJob<BackupReport>(
          session,
          options,
          (admin, call) => admin.backup(name, call),
          (report) => {
            const { output } = session;
            output.answer(report, ({ directory, bytes, events, position }) => {
              output.line(
                `It is in ${printable(directory)} on the service’s machine: ${bytesText(bytes)}.`,
              );
              const upTo = position === undefined ? '' : ` up to ${position}`;
              output.line(`Verified: ${amountText(events, 'event')}${upTo}.`);
            });
          },
        ),
      ),
    );
};
