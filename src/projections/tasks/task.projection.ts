import { Injectable } from '@nestjs/common';
import type { Kysely } from 'kysely';
import { Refusal } from '../../context/index.js';
import { ViewsDatabase } from '../../database/index.js';
import type { EventLog } from '../../event-store/index.js';
import {
  type ComparedBuild,
  type Comparison,
  Projection,
  type ReplayWork,
  type Stretch,
  type Trial,
  type View,
} from '../../processing/index.js';
import { TASK_STATE_VERSION } from '../../task/index.js';
import { ClaimWaiters } from './claim-waiters.js';
import { TaskGeneration } from './task-generation.js';
import { compareTasks } from './replay/task-comparison.js';
import { tryTasks } from './replay/task-trial.js';
import { createTables, dropStep, tableNames } from './task-tables.js';

export const TASK_VIEW = 'tasks';

/** Raise it when tables or columns change, or what is put into them. */
const TABLES_VERSION = 2;
/** Rows hold folded states, so a new shape of those is a new version of the view too. */
const STATE_VERSIONS = 1_000;

/** All tasks that are not deleted, as of the newest events, for every query and search by tasks. */
@Injectable()
@Projection({ name: TASK_VIEW, version: TABLES_VERSION * STATE_VERSIONS + TASK_STATE_VERSION })
export class TaskProjection implements View<TaskGeneration> {
  private serving: TaskGeneration | undefined;
  private readonly early = new Set<(tables: TaskGeneration) => void>();
  private readonly timing = new Set<(dueAt: number) => void>();
  private readonly freeing = new Set<(taskTypes?: ReadonlySet<string>) => void>();

  constructor(
    private readonly database: ViewsDatabase,
    private readonly claims: ClaimWaiters,
  ) {}

  /** What serves now; undefined while the first build runs. */
  get current(): TaskGeneration | undefined {
    return this.serving;
  }

  /** For those who come while the first build runs. Refused as UNAVAILABLE when it takes longer. */
  whenServing(timeoutMs: number): Promise<TaskGeneration> {
    if (this.serving) return Promise.resolve(this.serving);
    return new Promise((resolve, reject) => {
      const waiter = (tables: TaskGeneration) => {
        clearTimeout(timer);
        resolve(tables);
      };
      const timer = setTimeout(() => {
        this.early.delete(waiter);
        reject(beingBuilt());
      }, timeoutMs);
      this.early.add(waiter);
    });
  }

  async open(generation: number): Promise<TaskGeneration> {
    const { database } = this;
    await createTables(database.kysely as unknown as Kysely<never>, tableNames(generation));
    return new TaskGeneration(
      database,
      generation,
      (tasks) => this.claims.queued(tasks),
      (dueAt) => this.tellTimed(dueAt),
      (taskTypes) => this.tellFreed(taskTypes),
    );
  }

  /** Tells as a `TimerQueue` does; answers how to stop that. */
  onTimer(listener: (dueAt: number) => void): () => void {
    this.timing.add(listener);
    return () => this.timing.delete(listener);
  }

  /** Tells after each commit of types of which fewer tasks are held; of no types: of any of them. */
  onFreed(listener: (taskTypes?: ReadonlySet<string>) => void): void {
    this.freeing.add(listener);
  }

  serve(tables: TaskGeneration): void {
    this.serving = tables;
    for (const waiter of this.early) waiter(tables);
    this.early.clear();
    // Other rows, or rows that another process wrote.
    this.tellTimed(-Infinity);
    this.tellFreed();
  }

  reads(version: number): boolean {
    return Math.floor(version / STATE_VERSIONS) === TABLES_VERSION;
  }

  compare(build: ComparedBuild, log: EventLog, work: ReplayWork): Promise<Comparison> {
    return compareTasks(this.database, build, log, work);
  }

  tryOut(
    stretch: Stretch,
    build: ComparedBuild | undefined,
    log: EventLog,
    work: ReplayWork,
  ): Promise<Trial> {
    return tryTasks(this.database, stretch, build, log, work);
  }

  dropStep(generation: number): boolean {
    return this.database.write(() => dropStep(this.database.connection, tableNames(generation)));
  }

  private tellFreed(taskTypes?: ReadonlySet<string>): void {
    for (const listener of this.freeing) listener(taskTypes);
  }

  private tellTimed(dueAt: number): void {
    for (const listener of this.timing) listener(dueAt);
  }
}

function beingBuilt(): Refusal {
  return new Refusal(
    'UNAVAILABLE',
    'The task view is being built from the event log. Commands are served meanwhile; ask again in a few seconds.',
    { view: TASK_VIEW },
  );
}
