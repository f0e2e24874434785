import {
  type FeedFilter,
  type TaskManager,
  type TaskStatus,
  VISIBLE_STATUSES,
} from '@taskmanager/client';
import type { Define } from '../act.js';
import { id, list } from '../arguments.js';
import { ExitCode } from '../exit-codes.js';
import { someOf } from '../one-of.js';
import { isTerminal } from '../output/output.js';
import type { Session } from '../session.js';
import { Names } from './names.js';
import { tellOutages } from './outages.js';
import { endingOf, tell } from './watch-lines.js';
import type { WatchTable } from './watch-table.js';
import { WatchedTasks } from './watched-tasks.js';

interface WatchOptions {
  readonly status?: readonly TaskStatus[];
  readonly type?: readonly string[];
  readonly app?: string;
}

/** `task watch`: what runs, live, by the feed. */
export const defineWatch: Define = (group, act) => {
  group
    .command('watch')
    .description('running tasks, live; or some tasks, until they are over')
    .argument(
      '[ids...]',
      'these tasks, until all of them are over',
      (text: string, before: readonly string[] = []) => [...before, id(text)],
    )
    .addOption(someOf('-s, --status <status>', 'those in these states (running)', VISIBLE_STATUSES))
    .option('-t, --type <type>', 'only of these task types', list)
    .option('-a, --app <app>', 'only of this app')
    .addHelpText(
      'after',
      `
On a terminal it is a table that changes; elsewhere one line for each change, with --json one event a
line. With ids it ends when all of them are over: 0 when all are completed, else 1; of one that was over
before, its end is told.

Examples:
  taskmanager task watch --app shop
  taskmanager task watch 0190a5a0-0000-7000-8000-000000000001 && echo completed`,
    )
    .action(
      act((session, ids: readonly string[], options: WatchOptions) => watch(session, ids, options)),
    );
};

async function watch(
  session: Session,
  ids: readonly string[],
  options: WatchOptions,
): Promise<ExitCode | void> {
  const { output, signal } = session;
  const { status = ['running'], type, app } = options;
  const wanted = new Set(ids);
  const watched = new WatchedTasks((task) =>
    wanted.size > 0 ? wanted.has(task.id) : status.includes(task.status),
  );
  const filter: FeedFilter = {
    ...(ids.length > 0 ? { taskIds: ids } : {}),
    ...(type ? { taskTypes: type } : {}),
    ...(app === undefined ? {} : { appName: app }),
  };
  const tasks = await session.tasks();
  const end = endOf(signal);
  const table =
    isTerminal(session.io.output) && !output.json ? await openTable(session, watched) : undefined;
  if (table) session.onTrouble = (text) => table.change(text);
  const watching = new AbortController();
  const outages = tellOutages(tasks, AbortSignal.any([signal, watching.signal]), (trouble) =>
    trouble === undefined && table
      ? table.change()
      : session.onTrouble(trouble ?? 'The service answers again.'),
  );
  const names = new Names(tasks, watched, session, () => table?.change());
  const isOver = () =>
    ids.length > 0 && wanted.size === watched.shown(Date.now()).filter(({ over }) => over).length;
  try {
    const stop = await tasks.listenTo(filter, (event) => {
      const task = watched.apply(event);
      if (!task) return;
      if (table) {
        table.change();
        names.find();
      } else tell(event, task, output);
      if (isOver()) end.resolve();
    });
    try {
      for (const each of await present(tasks, ids, { status, type, app }, session)) {
        const task = watched.load(each);
        // Of what is over no event will come.
        if (!table && task?.over && wanted.size > 0) tell(endingOf(each), task, output);
      }
      table?.change();
      if (isOver()) end.resolve();
      await end.promise;
    } finally {
      stop();
    }
  } finally {
    watching.abort();
    await outages;
    table?.stop();
  }
  if (ids.length === 0) return;
  const completed = watched.shown(Date.now()).every((task) => task.status === 'completed');
  return completed ? ExitCode.Done : ExitCode.Failed;
}

/** What draws is loaded here alone: it would make every command start later. */
async function openTable(session: Session, watched: WatchedTasks): Promise<WatchTable> {
  const { WatchTable } = await import('./watch-table.js');
  return new WatchTable(session, watched);
}

/** What is there when the watch begins: of many the 500 that changed last. */
async function present(
  tasks: TaskManager,
  ids: readonly string[],
  { status, type, app }: WatchOptions,
  { call }: Session,
) {
  if (ids.length > 0) return Promise.all(ids.map((each) => tasks.getTask(each, call)));
  const filter = { statuses: status, taskTypes: type, appName: app };
  return tasks.listTasks({ ...filter, sort: 'updatedAt', limit: 500 }, call);
}

function endOf(signal: AbortSignal) {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
  return { promise, resolve };
}
