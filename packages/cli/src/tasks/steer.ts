/** `task pause`, `resume`, `cancel`, `retry`, `approve`, `reject`: one command about one task each. */
import type { CommandAnswer, TaskManager } from '@taskmanager/client';
import type { Command } from 'commander';
import type { Act, Define } from '../act.js';
import { id } from '../arguments.js';
import type { Output } from '../output/output.js';
import { printable } from '../output/printable.js';
import type { Session } from '../session.js';
import { progressText } from './progress-text.js';
import { inColourOf } from './status-paint.js';

interface Why {
  readonly reason?: string;
  readonly comment?: string;
}

type Send = (
  tasks: TaskManager,
  task: string,
  options: Why,
  session: Session,
) => Promise<CommandAnswer>;

export const defineSteering: Define = (group, act) => {
  const about = (name: string, description: string) =>
    group.command(name).description(description).argument('<id>', 'the task', id);
  const why = '-r, --reason <text>';

  const pause = about('pause', 'stop a task where it stands; its clocks stop with it').option(
    why,
    'why',
  );
  sends(pause, act, (tasks, task, { reason }, { call }) =>
    tasks.pauseTask(task, { reason, ...call }),
  );

  const resume = about('resume', 'let a paused task go on').option(why, 'why');
  sends(resume, act, (tasks, task, { reason }, { call }) =>
    tasks.resumeTask(task, { reason, ...call }),
  );

  const retry = about('retry', 'try a failed task again, now')
    .option(why, 'why')
    .option('--force', 'also when its retries are used up (admins)');
  sends(retry, act, (tasks, task, options: Why & { readonly force?: true }, { call }) =>
    tasks.retryTask(task, { reason: options.reason, force: options.force, ...call }),
  );

  const cancel = about('cancel', 'end a task for good; asks before').option(why, 'why');
  sends(
    cancel,
    act,
    (tasks, task, { reason }, { call }) => tasks.cancelTask(task, { reason, ...call }),
    'Cancel',
  );

  const approve = about('approve', 'vote for what a task asks; asks before').option(
    '-c, --comment <text>',
    'with this comment',
  );
  sends(
    approve,
    act,
    (tasks, task, { comment }, { call }) => tasks.approveTask(task, { comment, ...call }),
    'Approve',
  );

  const reject = about('reject', 'vote against it: the task fails; asks before').requiredOption(
    why,
    'why',
  );
  sends(
    reject,
    act,
    (tasks, task, { reason = '' }, { call }) => tasks.rejectTask(task, reason, call),
    'Reject',
  );
};

/** @param asking what is asked before, for what cannot be undone: its verb */
function sends(command: Command, act: Act, send: Send, asking?: string): void {
  command.action(
    act(async (session, task: string, options: Why) => {
      if (asking !== undefined)
        await session.confirm(async () => {
          const found = await (await session.tasks()).getTask(task, session.call);
          const { name, taskType, appName, status } = found;
          return `${asking} “${name}” (${taskType} of ${appName}, ${status}, ${progressText(found)})? This cannot be undone.`;
        });
      const tasks = await session.tasks();
      const answer = await send(tasks, task, options, session);
      session.output.answer(answer, () => showAnswer(answer, session.output));
    }),
  );
}

function showAnswer(answer: CommandAnswer, output: Output): void {
  const { taskId, taskType, status, revision, events } = answer;
  const now = inColourOf(status, status, output);
  const changed = events.length === 0 ? 'Nothing changed; it is' : 'It is';
  output.line(`${changed} ${now} now (${printable(taskType)} ${taskId}, revision ${revision}).`);
}
