import { type CommandRequests, type Json, LIMITS, type TaskInfo } from '@taskmanager/protocol';
import { type CommandOptions, splitOptions } from '../options.js';
import type { TimeLimits } from '../time-limits.js';
import { cutText } from './cut-text.js';
import { isPassing, type WorkerClient } from './insist.js';
import { logWith } from './json-log.js';
import { Lease } from './lease.js';
import { type Progress, progressOf, ProgressReport } from './progress-report.js';
import type { ProgressValue, RunningTask, TaskHandler, TaskLog } from './running-task.js';
import { StopState } from './stop-state.js';
import { asJson, type Outcome, tellEnd } from './task-end.js';
import { type TaskNews, taskStopped, thenOf } from './task-news.js';
import { TaskStopped } from './task-stopped.js';
import { textOf, type WorkerSettings } from './worker-options.js';

/** What all tasks of a worker share. */
export interface Holding extends WorkerSettings {
  readonly client: WorkerClient;
  /** Flushes progress that was held back: one timer for all tasks. */
  readonly progressDue: TimeLimits<ProgressReport>;
  /** Fires when the worker has ended: nothing is sent again any more. */
  readonly ended: AbortSignal;
}

type Question = Omit<CommandRequests['request_approval'], 'id' | 'workerId' | 'leaseEpoch'> &
  CommandOptions;

const GOES_ON = Promise.resolve();

/** One task under this worker's lease, from the claim that brought it until the service knows its end. */
export class HeldTask implements RunningTask {
  private saved: Json | undefined;
  /** Given to a pause point since the last one was saved. */
  private offered: Json | undefined;
  private lastProgress: Progress;
  private readonly stop: StopState;
  private readonly lease: Lease;
  private readonly report: ProgressReport;
  private ownLog: TaskLog | undefined;
  /** Set when the handler has ended, or is not waited for any more; resolves when that is told. */
  private told: Promise<void> | undefined;

  constructor(
    readonly info: TaskInfo,
    private readonly holding: Holding,
  ) {
    const { id: taskId, revision, leaseEpoch, completedItems, totalItems, progress } = info;
    const { client, workerId, leaseMs, pauseGraceMs, ended } = holding;
    this.saved = info.checkpoint;
    this.lastProgress =
      completedItems === undefined || totalItems === undefined
        ? { progress }
        : { completedItems, totalItems };
    this.stop = new StopState(taskId, revision, pauseGraceMs);
    const hear = (news: TaskNews) => this.stop.hear(news);
    this.lease = new Lease({ client, taskId, workerId, leaseEpoch, leaseMs, hear, ended });
    this.report = new ProgressReport((said) => this.sendProgress(said), holding.progressDue);
    // A claim that was answered late may bring a task that is paused or over meanwhile.
    if (info.status !== 'running') hear({ then: thenOf(info.status) });
  }

  get id(): string {
    return this.info.id;
  }
  get taskType(): string {
    return this.info.taskType;
  }
  get name(): string {
    return this.info.name;
  }
  get appName(): string {
    return this.info.appName;
  }
  get input(): Json {
    return this.info.input ?? null;
  }
  get attempt(): number {
    return this.info.attempt;
  }
  get checkpoint(): Json | undefined {
    return this.saved;
  }
  get signal(): AbortSignal {
    return this.stop.signal;
  }
  get log(): TaskLog {
    const { id: taskId, taskType, attempt } = this.info;
    return (this.ownLog ??= logWith(this.holding.log, { taskId, taskType, attempt }));
  }

  /** Runs the handler and tells the service how it ended. Resolves when nothing is left to tell; never rejects. */
  async run(handler: TaskHandler): Promise<void> {
    // Stopped before its claim was answered: no handler is bothered with it.
    if (this.stop.wanted) return this.end(undefined);
    let outcome: Outcome;
    try {
      outcome = { result: (await handler(this)) as Json | undefined };
    } catch (error) {
      outcome = { error };
    }
    return this.end(outcome);
  }

  progress(value: ProgressValue | undefined, message?: string): void {
    if (value !== undefined) this.lastProgress = progressOf(value);
    if (this.told || this.stop.over) return;
    const { lastProgress } = this;
    if (message === undefined) return this.report.report(lastProgress);
    this.report.report({ ...lastProgress, message: cutText(message, LIMITS.textBytes) });
  }

  saveCheckpoint(value: Json): Promise<void> {
    return watched(this.save(value), (error) =>
      this.log.warn('A checkpoint was not saved', { error: textOf(error) }),
    );
  }

  pausePoint(checkpoint?: Json): Promise<void> {
    if (checkpoint !== undefined) this.offered = checkpoint;
    const stopped = this.stop.atPausePoint();
    return stopped ? watched(Promise.reject(stopped)) : GOES_ON;
  }

  requestApproval(question: Question = {}): Promise<never> {
    return watched(this.ask(question));
  }

  /** It has ended, or is not this worker's any more. */
  get isOver(): boolean {
    return this.stop.over !== undefined;
  }

  /** What the feed says of it. */
  hear(news: TaskNews): void {
    this.stop.hear(news);
  }

  /** The worker stops: the next pause point is the handler's end. */
  shutDown(): void {
    this.stop.shutDown();
  }

  /** The handler is to stop now, wherever it is. */
  abort(): void {
    if (!this.told) this.stop.fire();
  }

  /** Does not wait for the handler any longer. Resolves when nothing is left to tell; never rejects. */
  handBack(): Promise<void> {
    this.abort();
    return this.end(undefined);
  }

  /** Renews the lease if that was last done before `before`, on the clock of `performance.now()`. */
  renew(before: number): void {
    if (!this.told && !this.stop.over) this.lease.renew(before);
  }

  private end(outcome: Outcome | undefined): Promise<void> {
    this.told ??= this.tell(outcome);
    return this.told;
  }

  private tell(outcome: Outcome | undefined): Promise<void> {
    this.stop.end();
    this.report.close({ drop: this.stop.over !== undefined });
    const { lease, stop, offered: checkpoint, log } = this;
    return tellEnd(outcome, { lease, stop, checkpoint, log, onError: this.holding.onError });
  }

  private async sendProgress(progress: Progress): Promise<'again' | void> {
    const error = await this.lease.sendRenewing('update_task_progress', progress);
    if (isPassing(error)) return 'again';
    if (error !== undefined) this.log.warn('Progress was refused', { error: textOf(error) });
  }

  private async save(value: Json): Promise<void> {
    this.throwIfOver();
    this.report.flush();
    try {
      await this.lease.saveCheckpoint({ checkpoint: asJson(value) });
      this.saved = value;
      this.offered = undefined;
    } catch (error) {
      this.throwIfOver(error);
      throw error;
    }
  }

  private async ask(question: Question): Promise<never> {
    this.throwIfOver();
    this.report.flush();
    const { options, fields } = splitOptions(question);
    try {
      await this.lease.insist('request_approval', fields, options);
      this.stop.hear({ then: 'waiting_for_approval' });
    } catch (error) {
      this.throwIfOver(error);
      throw error;
    }
    throw this.stop.over ?? taskStopped(this.id, 'waiting_for_approval');
  }

  /** @param error of a command of this task: it may say that the task is not this worker's any more */
  private throwIfOver(error?: unknown): void {
    if (error !== undefined) this.lease.isToldBy(error);
    if (this.stop.over) throw this.stop.over;
  }
}

/** A handler that does not wait for it must not end the process when it fails. */
function watched<T>(promise: Promise<T>, onError?: (error: unknown) => void): Promise<T> {
  promise.catch((error: unknown) => {
    if (!(error instanceof TaskStopped)) onError?.(error);
  });
  return promise;
}
