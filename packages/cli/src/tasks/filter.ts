import { type TaskListFilter, type TaskStatus, VISIBLE_STATUSES } from '@taskmanager/client';
import type { Command } from 'commander';
import { label, list, time } from '../arguments.js';
import { someOf } from '../one-of.js';

/** Which tasks a list is about, as it is said on the command line. */
export interface FilterOptions {
  readonly status?: readonly TaskStatus[];
  readonly type?: readonly string[];
  readonly app?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly awaiting?: string;
  readonly since?: number;
  readonly until?: number;
}

export function withFilter(command: Command): Command {
  return command
    .addOption(someOf('-s, --status <status>', 'only in these states', VISIBLE_STATUSES))
    .option('-t, --type <type>', 'only of these task types', list)
    .option('-a, --app <app>', 'only of this app')
    .option(
      '-l, --label <name=value>',
      'only with this label; all that are given must match',
      label,
    )
    .option('--text <text>', 'only with this text in the name or the error')
    .option(
      '--awaiting <actor>',
      'only what waits for the approval of this actor, or of role:<name>',
    )
    .option('--since <time>', 'changed at or after: a time, or so long ago, e.g. 2h', time)
    .option('--until <time>', 'changed at or before', time);
}

export function filterOf(options: FilterOptions): TaskListFilter {
  const { status, type, app, label: labels, text, awaiting, since, until } = options;
  return {
    statuses: status,
    taskTypes: type,
    appName: app,
    labels,
    text,
    awaitingApprovalBy: awaiting,
    updatedFrom: since,
    updatedTo: until,
  };
}
