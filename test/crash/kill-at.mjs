/**
 * Loaded before the built service (`node --import`), it ends the process with SIGKILL at one step of what
 * sagas do: KILL_AT is `<step> <n> before` or `<step> <n> after`, e.g. `dispatch ScheduleRetry 1 before`.
 * A step is an append of events that nobody sent (`append TaskRetryScheduled`), a command of a saga
 * (`dispatch ScheduleRetry`), a checkpoint (`checkpoint retry`) or a notice to approvers (`notice
 * requested`), or the swap of a rebuilt projection (`swap audit`). Steps are counted, each kind by itself. STEPS_FILE gets a line for each.
 */
import { appendFileSync } from 'node:fs';
import { CommandBus } from '@nestjs/cqrs';
import { contextOf } from '../../dist/context/index.js';
import { SqliteEventLog, SqliteProcessorStore } from '../../dist/event-store/sqlite/index.js';

const at = /^(.*) (\d+) (before|after)$/.exec(process.env.KILL_AT ?? '');
const stepsFile = process.env.STEPS_FILE;
const seen = new Map();

/** Answers whether to die after it. */
function reach(step) {
  const count = (seen.get(step) ?? 0) + 1;
  seen.set(step, count);
  if (stepsFile) appendFileSync(stepsFile, `${step} ${count}\n`);
  if (!at || at[1] !== step || Number(at[2]) !== count) return false;
  if (at[3] === 'before') die();
  return true;
}

function die() {
  process.kill(process.pid, 'SIGKILL');
  // The signal ends the process before it comes back from this.
  for (;;);
}

function wrap(prototype, method, stepOf) {
  const original = prototype[method];
  prototype[method] = async function (...args) {
    const step = stepOf(...args);
    const dies = step !== undefined && reach(step);
    const answer = await original.apply(this, args);
    if (dies) die();
    return answer;
  };
}

wrap(SqliteEventLog.prototype, 'append', (_stream, _expected, events) => {
  const internal = events.every(({ metadata }) => metadata.includes('"transport":"internal"'));
  return internal ? `append ${events.map(({ type }) => type).join('+')}` : undefined;
});
wrap(SqliteProcessorStore.prototype, 'moveCheckpoint', (processor) => `checkpoint ${processor}`);
wrap(CommandBus.prototype, 'execute', (command) =>
  contextOf(command).transport === 'internal' ? `dispatch ${command.constructor.name}` : undefined,
);

const publishers = await import('../../dist/publishers/endpoint-notices.js');
const notices = publishers.EndpointNotices;
wrap(notices.prototype, 'send', ({ kind }) => `notice ${kind}`);

const { AuditRun } = await import('../../dist/projections/audit/audit-run.js');
wrap(AuditRun.prototype, 'swapIn', () => 'swap audit');
const { ViewRebuild } = await import('../../dist/processing/views/view-rebuild.js');
wrap(ViewRebuild.prototype, 'run', () => 'swap tasks');
