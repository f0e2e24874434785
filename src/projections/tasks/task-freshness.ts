import { Injectable } from '@nestjs/common';
import { LIMITS, type Position } from '@taskmanager/protocol';
import { Refusal } from '../../context/index.js';
import { EventLog } from '../../event-store/index.js';
import { isFileTrouble } from '../../database/index.js';
import { ProcessorRunner } from '../../processing/index.js';
import { reachedOrRefused } from '../view-freshness.js';
import type { TaskGeneration } from './task-generation.js';
import { TASK_VIEW, TaskProjection } from './task.projection.js';

/** The task view, at least as new as a query asks for: reading your own writes. */
@Injectable()
export class FreshTasks {
  constructor(
    private readonly projection: TaskProjection,
    private readonly runner: ProcessorRunner,
    private readonly log: EventLog,
  ) {}

  /**
   * What `look` finds in the view. Refused when the view does not get there in time, and when its file
   * cannot be used.
   */
  async read<T>(
    after: Position | undefined,
    look: (tasks: TaskGeneration) => T | Promise<T>,
  ): Promise<T> {
    const view = this.at(after);
    const tasks = view instanceof Promise ? await view : view;
    try {
      return await look(tasks);
    } catch (error) {
      throw isFileTrouble(error) ? unusable(error) : error;
    }
  }

  /** At once when nothing is asked for. */
  private at(after: Position | undefined): TaskGeneration | Promise<TaskGeneration> {
    if (after !== undefined) return this.whenReached(after);
    return this.projection.current ?? this.projection.whenServing(LIMITS.afterMs);
  }

  private async whenReached(after: Position): Promise<TaskGeneration> {
    await reachedOrRefused(TASK_VIEW, 'task view', after, { runner: this.runner, log: this.log });
    return this.projection.whenServing(LIMITS.afterMs);
  }
}

function unusable({ message }: Error): Refusal {
  return new Refusal(
    'UNAVAILABLE',
    `The task view cannot be used now: ${message}. Commands that name their task are served meanwhile; try again later.`,
    { view: TASK_VIEW },
  );
}
