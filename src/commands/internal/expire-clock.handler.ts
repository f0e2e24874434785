import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../../context/index.js';
import type { AnyTaskEvent } from '../../events/index.js';
import { type Task, failed } from '../../task/index.js';
import { ExpireClock } from './expire-clock.command.js';
import { TaskCommandHandler } from '../task-command.handler.js';

const MEANING = { queue: 'Waited', run: 'Ran', total: 'Took' };

@CommandHandler(ExpireClock)
export class ExpireClockHandler extends TaskCommandHandler<ExpireClock> {
  decide(task: Task, { clock, dueAt }: ExpireClock, { now }: CommandContext): AnyTaskEvent[] {
    const deadline = task.deadlines[`${clock}DueAt`];
    // A failed task that waits for its retry has nothing left to fail.
    if (deadline !== dueAt || dueAt > now || task.status === 'failed') return [];
    const allowed = task.timeouts?.[`${clock}Ms`];
    return [
      failed(
        task,
        `${MEANING[clock]} longer than the ${allowed} ms allowed (${clock}Ms).`,
        clock === 'run',
      ),
    ];
  }
}
