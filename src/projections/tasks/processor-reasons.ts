import type { Position, Reason } from '@taskmanager/protocol';
import type { ParkedEvent } from '../../event-store/index.js';
import { taskIdOfStream } from '../../events/index.js';
import type { ProcessorRun, ProcessorStatus } from '../../processing/index.js';
import { type Task, timersOf } from '../../task/index.js';
import { howLong, iso, quoted } from './reason-text.js';
import { TASK_VIEW } from './task.projection.js';

/** A timer that is due is on its way; so late something is wrong. */
const LATE_MS = 5_000;

/** How the processors are doing, and what they have parked, by task. */
export interface ProcessorFacts {
  readonly statuses: readonly ProcessorStatus[];
  readonly parked: ReadonlyMap<string, readonly ParkedEvent[]>;
}

export async function lookAtProcessors(
  runs: readonly ProcessorRun[],
  head: Position | undefined,
): Promise<ProcessorFacts> {
  const statuses = await Promise.all(runs.map((run) => run.status(head)));
  const parked = new Map<string, ParkedEvent[]>();
  for (const run of runs) {
    for (const event of await run.parked()) {
      const taskId = taskIdOfStream(event.stream);
      parked.set(taskId, [...(parked.get(taskId) ?? []), event]);
    }
  }
  return { statuses: statuses.flat(), parked };
}

/** Events of this task that a processor has put aside. */
export function parkedReasons(taskId: string, { parked }: ProcessorFacts): Reason[] {
  return (parked.get(taskId) ?? []).map((event) => {
    const { processor, type = 'an event', revision, error, attempts, parkedAt } = event;
    const how = `tasks.admin.retry_parked_events { processor: ${JSON.stringify(processor)}, taskId }`;
    const text = `Processor ${processor} could not handle ${type} (revision ${revision}) after ${attempts} attempt(s), since ${iso(parkedAt)}: ${quoted(error)}. This and all later events of the task wait there. Mend the cause, then send ${how}.`;
    return { code: 'parked_event', text, by: processor };
  });
}

/** Timers that are late, and what is wrong with the processors that the task's next step needs. */
export function processorReasons(task: Task, now: number, facts: ProcessorFacts): Reason[] {
  const timers = timersOf(task);
  const late = timers.filter(({ dueAt }) => dueAt <= now - LATE_MS);
  const overdue = late.map(({ kind, dueAt }): Reason => {
    const text = `Its ${kind} timer was due at ${iso(dueAt)}, ${howLong(now - dueAt)} ago, and has not moved it.`;
    return { code: 'timer_overdue', text, until: dueAt };
  });
  const unscheduled = timers.some(({ kind }) => kind === 'retry_schedule');
  const needs = facts.statuses.filter(({ name, kind }) =>
    unscheduled ? kind === 'saga' && name === 'retry' : kind === 'timers' && timers.length > 0,
  );
  return [...overdue, ...needs.flatMap((status) => troubleOf(status, late.length > 0))];
}

/** The view does not show yet what is in the log: how far it is, and what is wrong with it. */
export function behindReasons(
  inView: number | undefined,
  inLog: number,
  { statuses }: ProcessorFacts,
): Reason[] {
  const shown =
    inView === undefined
      ? 'does not show this task yet, so that no more can be said'
      : `shows it as of revision ${inView}, and so do the other reasons here`;
  const text = `The log has revision ${inLog} of this task; the task view ${shown}. tasks.admin.list_processors says how far behind it is.`;
  const view = statuses.filter(({ name }) => name === TASK_VIEW);
  return [
    { code: 'projection_behind', text, by: TASK_VIEW },
    ...view.flatMap((status) => troubleOf(status, false)),
  ];
}

function troubleOf(status: ProcessorStatus, late: boolean): Reason[] {
  const { name, paused, state, failures, lastError } = status;
  const reasons: Reason[] = [];
  if (paused) {
    const text = `Processor ${name}, which has to move it on, is paused: send tasks.admin.resume_processor { name: ${JSON.stringify(name)} }.`;
    reasons.push({ code: 'processor_paused', text, by: name });
  }
  if (state === 'retrying') {
    const what = lastError ? `: ${quoted(lastError.message)}` : '';
    const text = `Processor ${name}, which has to move it on, fails and tries again (${failures} time(s) in a row)${what}.`;
    reasons.push({ code: 'processor_failing', text, by: name });
  }
  if (state === 'standby' && late) {
    const text = `This process does not run ${name}: another one holds the lease of the processors, or none does yet. If there is another one, look at its tasks.admin.list_processors.`;
    reasons.push({ code: 'no_owner', text, by: name });
  }
  return reasons;
}
