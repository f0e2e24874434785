import { DiscoveryService } from '@nestjs/core';
import type { Position } from '@taskmanager/protocol';
import type { EventLog } from '../../event-store/index.js';
import type { StoredTaskEvent } from '../../events/index.js';
import type { ComparedBuild, Comparison, Stretch, Trial } from './compared-build.js';
import type { ReplayWork } from './replay-work.js';

/** A name and version for a view: raise the version when what the rows say, or how, changes. */
export interface ProjectionOptions {
  readonly name: string;
  readonly version: number;
}

/** Marks a provider that is a {@link View}; the runner finds and runs it. */
export const Projection = DiscoveryService.createDecorator<ProjectionOptions>();

/** The tables of one generation of a view, with whatever it keeps in memory about them. */
export interface ViewTables {
  /**
   * Folds events, in memory only. They may come again. Rows may hold events up to `ahead` already;
   * beyond it a hole in a task's events is an error. Throws {@link EventFailed} at the first event that
   * cannot be taken, with all before it folded; whatever else it throws is nothing that an event did.
   */
  fold(events: readonly StoredTaskEvent[], ahead: Position | undefined): void;
  /** The last event that this task's rows hold; −1 when it has none. */
  revisionOf(taskId: string): number;
  /**
   * Takes away what a task without a row may have left elsewhere, before it is folded from its first
   * event, which lies at `created`. Inside of a transaction; slow.
   */
  clear(created: Position): void;
  /** So much is folded and not written that it has to be, whatever is still to come. */
  readonly full: boolean;
  /**
   * Writes what was folded, inside of a transaction, until done (true) or until `deadline`
   * (`performance.now()`), but never nothing.
   */
  write(deadline: number): boolean;
  /** All of the log is written: makes what only queries need, before they come. May be called again. */
  finish(): Promise<void>;
  /** What was written is committed. */
  committed(): void;
  /** Whether the newest of what the rows say is in this log: one that was put back may lack it. */
  isOf(log: EventLog): Promise<boolean>;
  /** Forgets everything in memory: somebody else may have written. */
  reset(): void;
}

/** A projection: knows its tables; versions, checkpoints and the log are the runner's business. */
export interface View<T extends ViewTables = ViewTables> {
  /** Makes this generation's tables where they are missing. */
  open(generation: number): Promise<T>;
  /** Queries read these from now on. */
  serve(tables: T): void;
  /** Whether queries can read tables that this older version made, while its successor is built. */
  reads(version: number): boolean;
  /**
   * Compares a build with the log by a second fold, while both go on. Reads one row at a time; what the
   * job makes of an abort is thrown.
   */
  compare(build: ComparedBuild, log: EventLog, work: ReplayWork): Promise<Comparison>;
  /**
   * Folds a stretch of the log, and writes nothing. `build`: what the result is compared with, where the
   * stretch ends where that one is.
   */
  tryOut(
    stretch: Stretch,
    build: ComparedBuild | undefined,
    log: EventLog,
    work: ReplayWork,
  ): Promise<Trial>;
  /** Takes away a part of a generation's tables, for some milliseconds; true when nothing is left. */
  dropStep(generation: number): boolean;
}
