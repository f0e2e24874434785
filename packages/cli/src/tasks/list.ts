import { TASK_SORTS, type TaskInfo, type TaskListFilter, type TaskSort } from '@taskmanager/client';
import { Option } from 'commander';
import type { Define } from '../act.js';
import type { Output } from '../output/output.js';
import type { Column } from '../output/table.js';
import { type PageOptions, tellMore, withPage } from '../page.js';
import type { Session } from '../session.js';
import { filterOf, type FilterOptions, withFilter } from './filter.js';
import { progressText } from './progress-text.js';
import { inColourOf } from './status-paint.js';

interface ListOptions extends FilterOptions, PageOptions {
  readonly sort: TaskSort;
  readonly order: 'asc' | 'desc';
  readonly all?: true;
}

/** `task list`: a page of tasks, or all of them. */
export const defineList: Define = (group, act) => {
  const list = group.command('list').description('tasks, the one that changed last first');
  withPage(withFilter(list))
    .addOption(
      new Option('--sort <field>', 'what they are sorted by')
        .choices(TASK_SORTS)
        .default('updatedAt'),
    )
    .addOption(
      new Option('--order <order>', 'which end first').choices(['asc', 'desc']).default('desc'),
    )
    .option('--all', 'every page; with --json one task a line')
    .addHelpText(
      'after',
      `
Examples:
  taskmanager task list --status running,failed --app shop
  taskmanager task list --text "disk full" --since 2h
  taskmanager task list --awaiting role:release --json`,
    )
    .action(act((session, options: ListOptions) => listTasks(session, options)));
};

async function listTasks(session: Session, options: ListOptions): Promise<void> {
  const { output, call } = session;
  const { sort, order, limit, cursor, all } = options;
  const filter: TaskListFilter = { ...filterOf(options), sort, order, cursor };
  const tasks = await session.tasks();
  if (all && output.json) {
    for await (const task of tasks.tasks({ ...filter, limit: 500 }, call)) output.record(task);
    return;
  }
  if (!all) {
    const page = await tasks.listTasksPage({ ...filter, limit }, call);
    output.answer(page, ({ tasks: found, nextCursor }) => {
      show(output, found);
      tellMore(nextCursor, output, ', or --all.');
    });
    return;
  }
  let next: string | undefined = cursor;
  do {
    const page = await tasks.listTasksPage({ ...filter, cursor: next, limit: 500 }, call);
    show(output, page.tasks);
    next = page.nextCursor;
  } while (next !== undefined);
}

function show(output: Output, tasks: readonly TaskInfo[]): void {
  if (tasks.length === 0) output.note('No task fits.');
  else output.table(columnsOf(output), tasks);
}

function columnsOf(output: Output): Column<TaskInfo>[] {
  return [
    { title: 'ID', value: ({ id }) => id },
    {
      title: 'STATUS',
      value: ({ status }) => status,
      paint: (text, { status }) => inColourOf(status, text, output),
    },
    { title: 'PROGRESS', value: progressText, align: 'right', optional: true },
    { title: 'NAME', value: ({ name }) => name, shrinkTo: 12 },
    { title: 'TYPE', value: ({ taskType }) => taskType, shrinkTo: 8, optional: true },
    { title: 'APP', value: ({ appName }) => appName, shrinkTo: 6, optional: true },
    { title: 'UPDATED', value: ({ updatedAt }) => output.time(updatedAt), optional: true },
    { title: 'SAYS', value: ({ error, message }) => error ?? message, shrinkTo: 8, optional: true },
  ];
}
