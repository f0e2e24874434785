import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Position } from '@taskmanager/protocol';
import type { TaskStart } from '../../commands/task-finder.port.js';
import { ProcessorRunner } from '../../processing/index.js';
import { KnownTaskTypes } from '../task-types/known-task-types.js';
import { ClaimWaiters } from './claim-waiters.js';
import { TASK_VIEW, TaskProjection } from './task.projection.js';

/** A place that a claim of this process took. */
interface Taken {
  readonly taskType: string;
  /** Undefined until it is known. */
  readonly start?: TaskStart;
}

/**
 * The places of task types with a limit: how many tasks of each may be held at once. What is held is
 * counted by the view; what claims of this process took and the view has not seen yet is counted here,
 * so that the limit is exact in one process. Another process is seen when the view has seen what it did.
 */
@Injectable()
export class ClaimSlots implements OnModuleInit {
  /** By task. */
  private readonly taken = new Map<string, Taken>();

  constructor(
    private readonly types: KnownTaskTypes,
    private readonly projection: TaskProjection,
    private readonly waiters: ClaimWaiters,
    private readonly runner: ProcessorRunner,
  ) {}

  onModuleInit(): void {
    this.types.onChange((taskType) => this.changed(taskType));
    this.projection.onFreed((taskTypes) => {
      const freed = taskTypes ?? this.types.all().map(({ taskType }) => taskType);
      for (const type of freed) if (this.types.ruleOf(type)) this.changed(type);
    });
  }

  /** Takes one for this task; false when none is left: claims of the type find nothing until one is. */
  take(taskId: string, taskType: string): boolean {
    if (this.roomFor(taskType) <= 0) {
      this.waiters.close(taskType);
      return false;
    }
    this.taken.set(taskId, { taskType });
    return true;
  }

  /** Undefined when it was not taken after all. */
  settle(taskId: string, start: TaskStart | undefined): void {
    const place = this.taken.get(taskId);
    if (!place) return;
    if (start) this.taken.set(taskId, { ...place, start });
    else this.taken.delete(taskId);
    // The task may be over already: the view told of that when the place could not be given back yet.
    if (!start || this.isSeenOrUnusable(taskId, start)) this.changed(place.taskType);
  }

  private isSeenOrUnusable(taskId: string, start: TaskStart): boolean {
    try {
      return this.isSeen(taskId, start);
    } catch {
      return true;
    }
  }

  /** How many more of its tasks may be given out; Infinity without a limit. */
  roomFor(taskType: string): number {
    const { paused, maxRunning } = this.types.ruleOf(taskType) ?? {};
    if (paused) return 0;
    return maxRunning === undefined ? Infinity : maxRunning - this.held(taskType);
  }

  /** Tasks of the type that are held, those included that the view does not know of. */
  held(taskType: string): number {
    const view = this.projection.current;
    if (!view) return Infinity;
    let held = view.searches.held(taskType);
    for (const [taskId, place] of this.taken) {
      if (this.isSeen(taskId, place.start)) this.taken.delete(taskId);
      else if (place.taskType === taskType) held += 1;
    }
    return held;
  }

  /** The view counts the task, or would. By its row, which is there before the position is told. */
  private isSeen(taskId: string, start: TaskStart | undefined): boolean {
    const row = this.projection.current?.reader.find(taskId);
    // A task without a row was deleted: the view had it when it was chosen.
    if (!row || !start) return !row;
    // The row of a task that the view has parked stays as it was.
    const { revision, position } = start;
    const passed = () =>
      this.runner.whenProcessed(TASK_VIEW, position as Position, 0) === 'reached';
    return row.task.revision >= revision || passed();
  }

  /** The rule is another one, or a place is free: those who wait longest look first. */
  changed(taskType: string): void {
    try {
      const room = this.roomFor(taskType);
      if (room > 0) this.waiters.open(taskType, room);
      else this.waiters.close(taskType);
    } catch {
      // The view cannot be used: those who wait meet that themselves, and tell their callers.
      this.waiters.lookAgain([taskType]);
    }
  }

  /** Tasks of these types may lie ready that nobody was woken for. */
  passOn(taskTypes: readonly string[]): void {
    for (const type of taskTypes) {
      if (this.waiters.areWaiting(type) && this.roomFor(type) > 0) this.waiters.wake(type, 1);
    }
  }
}
