import type { AuditFilter } from '@taskmanager/client';
import type { Command } from 'commander';
import { ids, list, time } from '../arguments.js';
import { UsageError } from '../usage-error.js';

/** Which events an audit is about, as it is said on the command line. */
export interface AuditOptions {
  readonly by?: string;
  readonly app?: string;
  readonly task?: readonly string[];
  readonly type?: readonly string[];
  readonly event?: readonly string[];
  readonly worker?: string;
  readonly correlation?: string;
  readonly refused?: true;
  readonly happened?: true;
  readonly since?: number;
  readonly until?: number;
}

export function withAuditFilter(command: Command): Command {
  return command
    .option('-b, --by <actor>', 'only what this actor did or tried')
    .option('-a, --app <app>', 'only about tasks of this app')
    .option('--task <id>', 'only about this task; may be given several times', ids)
    .option('-t, --type <type>', 'only about tasks of these types', list)
    .option('-e, --event <type>', 'only these stored types, e.g. TaskPaused,CommandRefused', list)
    .option('-w, --worker <id>', 'only what this worker did')
    .option('--correlation <id>', 'only what was done for one purpose')
    .option('--refused', 'only what was refused')
    .option('--happened', 'only what was not refused')
    .option('--since <time>', 'at or after: a time, or so long ago, e.g. 2h', time)
    .option('--until <time>', 'at or before', time);
}

export function auditFilterOf(options: AuditOptions): AuditFilter {
  const { by, app, task, type, event, worker, correlation, refused, happened } = options;
  if (refused && happened)
    throw new UsageError('--refused and --happened leave nothing over: give one of them, or none.');
  return {
    actor: by,
    appName: app,
    taskIds: task,
    taskTypes: type,
    events: event,
    workerId: worker,
    correlationId: correlation,
    refused: refused ? true : happened ? false : undefined,
    atFrom: options.since,
    atTo: options.until,
  };
}
