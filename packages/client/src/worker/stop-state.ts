import { setMaxListeners } from 'node:events';
import { type TaskNews, taskStopped } from './task-news.js';
import type { TaskStopped } from './task-stopped.js';

/**
 * Whether a held task is to stop, why, and whether its handler knows. A pause can be taken back until the
 * handler knows of it; an ending cannot, and counts before a pause, as a pause counts before a shutdown:
 * a paused task is not released but acknowledged.
 */
export class StopState {
  /** What `signal` has fired with: the handler knows. */
  fired: TaskStopped | undefined;
  /** It is over, or not this worker's any more. */
  over: TaskStopped | undefined;
  private paused: TaskStopped | undefined;
  private shutdown: TaskStopped | undefined;
  private hasPausePoints = false;
  private grace: NodeJS.Timeout | undefined;
  private ended = false;
  /** Made when somebody looks at it: most handlers never do. */
  private controller: AbortController | undefined;

  /** @param revision of the task as it was claimed: older news is none */
  constructor(
    private readonly taskId: string,
    private revision: number,
    private readonly pauseGraceMs: number,
  ) {}

  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      // As many as the handler likes: Node would warn of a leak from the eleventh on.
      setMaxListeners(0, this.controller.signal);
      if (this.fired) this.controller.abort(this.fired);
    }
    return this.controller.signal;
  }

  /** What the handler is to stop for, known to it or not. */
  get wanted(): TaskStopped | undefined {
    return this.over ?? this.paused ?? this.shutdown;
  }

  hear({ revision, then, reason }: TaskNews): void {
    if (revision !== undefined) {
      if (revision <= this.revision) return;
      this.revision = revision;
    }
    if (this.over) return;
    if (then === 'go_on') this.takeBackPause();
    else if (then === 'paused') this.pause(reason);
    else {
      this.over = taskStopped(this.taskId, then, reason);
      this.fire();
    }
  }

  /** The worker stops: the next pause point is the end of the handler. */
  shutDown(): void {
    this.shutdown ??= taskStopped(this.taskId, 'shutdown');
  }

  /** The handler is at a pause point. What it stops there for, if it does. */
  atPausePoint(): TaskStopped | undefined {
    this.hasPausePoints = true;
    return this.fire();
  }

  /** Tells the handler to stop, if it is to stop. Once: what comes later changes what is told of its end. */
  fire(): TaskStopped | undefined {
    const { wanted } = this;
    if (this.fired || !wanted) return this.fired;
    this.fired = wanted;
    this.endGrace();
    this.controller?.abort(wanted);
    return wanted;
  }

  /** The handler has ended: nothing is timed any more, whatever is heard. */
  end(): void {
    this.ended = true;
    this.endGrace();
  }

  private endGrace(): void {
    clearTimeout(this.grace);
    this.grace = undefined;
  }

  private pause(reason: string | undefined): void {
    this.paused ??= taskStopped(this.taskId, 'paused', reason);
    if (!this.hasPausePoints) this.fire();
    else if (!this.fired && !this.ended)
      this.grace ??= setTimeout(() => this.fire(), this.pauseGraceMs);
  }

  private takeBackPause(): void {
    // The handler knows already: it stops, and the task is handed back when it has.
    if (this.fired) return;
    this.paused = undefined;
    this.endGrace();
  }
}
