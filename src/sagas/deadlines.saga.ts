import { ExpireClock } from '../commands/internal/expire-clock.command.js';
import { ExpireLease } from '../commands/internal/expire-lease.command.js';
import { type TaskCommand, messageOf } from '../commands/task-command.js';
import { type DueTimer, OnDue, TaskSaga } from '../processing/index.js';

/** Leases and clocks that run out. */
@TaskSaga({ name: 'deadlines', version: 1 })
export class DeadlinesSaga {
  @OnDue(['lease'])
  expireLease({ taskId, leaseEpoch }: DueTimer): TaskCommand[] {
    return leaseEpoch === undefined ? [] : [messageOf(ExpireLease, { id: taskId, leaseEpoch })];
  }

  @OnDue(['queue', 'run', 'total'])
  expireClock({ taskId, kind, dueAt }: DueTimer<'queue' | 'run' | 'total'>): TaskCommand[] {
    return [messageOf(ExpireClock, { id: taskId, clock: kind, dueAt })];
  }
}
