import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventLog } from '../../event-store/index.js';
import {
  type DueTask,
  ProcessorRunner,
  type TimerPlace,
  TimerQueue,
  Timers,
} from '../../processing/index.js';
import { TASK_VIEW, TaskProjection } from './task.projection.js';

/** The timers of all tasks, from the task view: empty while there is none. Gives itself to {@link Timers}. */
@Injectable()
export class ViewTimerQueue extends TimerQueue implements OnModuleInit {
  constructor(
    private readonly projection: TaskProjection,
    private readonly runner: ProcessorRunner,
    private readonly log: EventLog,
    private readonly timers: Timers,
  ) {
    super();
  }

  onModuleInit(): void {
    this.timers.use(this);
  }

  async caughtUp(timeoutMs: number): Promise<boolean> {
    const head = await this.log.head();
    if (head === undefined) return true;
    return (await this.runner.whenProcessed(TASK_VIEW, head, timeoutMs)) === 'reached';
  }

  nearest(after?: TimerPlace): number | undefined {
    return this.projection.current?.timers.nearest(after);
  }

  due(now: number, limit: number, after?: TimerPlace): readonly DueTask[] {
    return this.projection.current?.timers.due(now, limit, after) ?? [];
  }

  countDue(now: number, limit: number): number {
    return this.projection.current?.timers.countDue(now, limit) ?? 0;
  }

  onChange(listener: (dueAt: number) => void): () => void {
    return this.projection.onTimer(listener);
  }
}
