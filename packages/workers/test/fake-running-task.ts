/** For tests of handlers: a task that nobody but the test holds, pauses and cancels. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  type Json,
  type ProgressValue,
  type RunningTask,
  type StopKind,
  type TaskInfo,
  TaskStopped,
} from '@taskmanager/client';

export interface Said {
  readonly value: ProgressValue | undefined;
  readonly message: string | undefined;
}

export class FakeRunningTask implements RunningTask {
  readonly id: string;
  readonly name = 'a task';
  readonly appName = 'test';
  readonly info = {} as TaskInfo;
  readonly said: Said[] = [];
  readonly log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  attempt = 1;
  checkpoint: Json | undefined;
  pausePoints = 0;
  /** Called at each pause point, before it is seen whether to go on. */
  atPausePoint: () => void = () => undefined;
  private readonly heard = new EventTarget();
  private abort = new AbortController();
  private paused: TaskStopped | undefined;

  constructor(
    readonly taskType: string,
    readonly input: Json,
    id: string = randomUUID(),
  ) {
    this.id = id;
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** From now on pause points stop. */
  pause(): void {
    this.paused = new TaskStopped('paused', 'paused by the test');
  }

  /** As when it is cancelled, deleted, or somebody else's. */
  stop(kind: StopKind): void {
    this.abort.abort(new TaskStopped(kind, `${kind} by the test`));
  }

  /** The same task as another worker takes it up. */
  again(): FakeRunningTask {
    const next = new FakeRunningTask(this.taskType, this.input, this.id);
    next.attempt = this.attempt + 1;
    next.checkpoint = this.checkpoint;
    return next;
  }

  progress(value: ProgressValue | undefined, message?: string): void {
    this.said.push({ value, message });
    this.heard.dispatchEvent(new Event('said'));
  }

  /** Resolves when something was said that fits. */
  async until(fits: (said: Said) => boolean): Promise<void> {
    while (!this.said.some(fits)) await once(this.heard, 'said');
  }

  async saveCheckpoint(value: Json): Promise<void> {
    this.signal.throwIfAborted();
    this.checkpoint = value;
  }

  async pausePoint(checkpoint?: Json): Promise<void> {
    this.pausePoints++;
    this.atPausePoint();
    this.signal.throwIfAborted();
    if (!this.paused) return;
    if (checkpoint !== undefined) this.checkpoint = checkpoint;
    throw this.paused;
  }

  async requestApproval(): Promise<never> {
    throw new TaskStopped('waiting_for_approval', 'asked');
  }
}
