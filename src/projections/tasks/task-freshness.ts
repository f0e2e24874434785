import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { LIMITS, logIdOf, type Position } from '@taskmanager/protocol';
import { Refusal } from '../../context/index.js';
import { EventLog } from '../../event-store/index.js';
import { isFileTrouble } from '../../database/index.js';
import { ProcessorRunner } from '../../processing/index.js';
import type { TaskGeneration } from './task-generation.js';
import { TASK_VIEW, TaskProjection } from './task.projection.js';

const HEAD_MS = 500;

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
    if (logIdOf(after) !== this.log.logId) {
      throw new Refusal(
        'VALIDATION_FAILED',
        `meta.after ${after} is a position of another event log; this one is ${this.log.logId}. Leave it out.`,
        { field: 'after' },
      );
    }
    const outcome = await this.runner.whenProcessed(TASK_VIEW, after, LIMITS.afterMs);
    switch (outcome) {
      case 'reached':
        return this.projection.whenServing(LIMITS.afterMs);
      case 'full':
        throw new Refusal('OVERLOADED', 'Too many queries wait for the task view. Try again.');
      case 'late':
      case 'stopped':
        await this.refuseFuture(after);
        throw new Refusal(
          'UNAVAILABLE',
          outcome === 'late'
            ? `The task view has not reached ${after} within ${LIMITS.afterMs} ms. Try again, or read without meta.after.`
            : 'The service is shutting down. Try again on another one.',
          { after },
        );
    }
  }

  /** Given out before an older log was put back: waiting longer does not help. */
  private async refuseFuture(after: Position): Promise<void> {
    // A log that is away answers late or not at all, and a query has waited long enough.
    const head = await Promise.race([this.log.head(), delay(HEAD_MS, 'unknown' as const)]).catch(
      () => 'unknown' as const,
    );
    if (head === 'unknown' || (head !== undefined && after <= head)) return;
    throw new Refusal(
      'VALIDATION_FAILED',
      `meta.after ${after} lies beyond the log's end. Leave it out.`,
      { field: 'after' },
    );
  }
}

function unusable({ message }: Error): Refusal {
  return new Refusal(
    'UNAVAILABLE',
    `The task view cannot be used now: ${message}. Commands that name their task are served meanwhile; try again later.`,
    { view: TASK_VIEW },
  );
}
