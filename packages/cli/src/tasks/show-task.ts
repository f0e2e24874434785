import type { TaskInfo } from '@taskmanager/client';
import type { Output } from '../output/output.js';
import { safeJson } from '../output/printable.js';
import { amountText, durationText } from '../output/words.js';
import { progressText } from './progress-text.js';
import { inColourOf } from './status-paint.js';

/** A task in full, for people: what is not there is left out. */
export function showTask(task: TaskInfo, output: Output): void {
  output.fields([
    ['id', task.id],
    ['name', task.name],
    ['type', `${task.taskType} of ${task.appName}, run by ${runnerOf(task)}`],
    [
      'status',
      `${task.status}, ${progressText(task)}`,
      (text) => inColourOf(task.status, text, output),
    ],
    ['message', task.message],
    ['error', task.error],
    ['attempt', attemptsOf(task)],
    ['next retry', output.time(task.nextRetryAt)],
    ['stalls', task.stallCount > 0 ? task.stallCount : undefined],
    ['lease', leaseOf(task, output)],
    ['run at', output.time(task.runAt)],
    ['limits', limitsOf(task)],
    ['priority', task.priority === 0 ? undefined : task.priority],
    ['labels', labelsOf(task)],
    ['approval', approvalOf(task, output)],
    ['imported', importedOf(task, output)],
    ['created', `${output.time(task.createdAt)} by ${task.createdBy.id}`],
    ['started', output.time(task.startedAt)],
    ['paused', output.time(task.pausedAt)],
    ['updated', `${output.time(task.updatedAt)} (revision ${task.revision})`],
    ['ended', output.time(task.completedAt)],
  ]);
  for (const name of ['data', 'input', 'result', 'checkpoint'] as const) {
    const value = task[name];
    if (value !== undefined) output.line(`${output.paint.bold(name)}  ${safeJson(value, 2)}`);
  }
}

function runnerOf({ runBy, workerId }: TaskInfo): string {
  return runBy === 'app' ? 'its app' : workerId === undefined ? 'a worker' : `worker ${workerId}`;
}

function attemptsOf({ attempt, retryCount, maxRetries, persistent }: TaskInfo): string | undefined {
  if (attempt === 0) return undefined;
  return persistent ? `${attempt} (${retryCount} of ${maxRetries} retries)` : String(attempt);
}

function leaseOf({ leaseEpoch, leaseExpiresAt }: TaskInfo, output: Output): string | undefined {
  if (leaseExpiresAt === undefined) return undefined;
  return `epoch ${leaseEpoch}, until ${output.time(leaseExpiresAt)}`;
}

function limitsOf({ timeouts }: TaskInfo): string | undefined {
  const set = Object.entries(timeouts ?? {}).filter(([, ms]) => typeof ms === 'number');
  if (set.length === 0) return undefined;
  return set
    .map(([name, ms]) => `${name.replace(/Ms$/, '')} ${durationText(Number(ms))}`)
    .join(', ');
}

function labelsOf({ labels }: TaskInfo): string | undefined {
  const all = Object.entries(labels);
  return all.length === 0 ? undefined : all.map(([name, value]) => `${name}=${value}`).join(' ');
}

function approvalOf({ approval }: TaskInfo, output: Output): string | undefined {
  if (!approval) return undefined;
  const { outcome, votes, quorum, approvers, requestedBy, dueAt, comment } = approval;
  const who = approvers.length === 0 ? 'anyone' : approvers.join(', ');
  const due = dueAt === undefined ? '' : `, until ${output.time(dueAt)}`;
  const why = comment === undefined ? '' : `: ${comment}`;
  return `${outcome}, ${votes.length} of ${amountText(quorum, 'vote')}; asked of ${who} by ${requestedBy}${due}${why}`;
}

function importedOf({ imported }: TaskInfo, output: Output): string | undefined {
  if (!imported) return undefined;
  return `from log ${imported.fromLog} by ${imported.by} at ${output.time(imported.at)}; read-only`;
}
