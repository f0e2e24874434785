import type { Json, TaskInfo } from '@taskmanager/protocol';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { TimeLimits } from '../time-limits.js';
import { ClaimLoop } from './claim-loop.js';
import { HeldTask, type Holding } from './held-task.js';
import { isPassing, type WorkerClient } from './insist.js';
import { onStopSignals } from './process-signals.js';
import type { ProgressReport } from './progress-report.js';
import type { TaskHandler } from './running-task.js';
import { StopFeed } from './stop-feed.js';
import {
  concurrencyOf,
  type HandlerOptions,
  settingsOf,
  type TaskWorkerOptions,
  type WorkerSettings,
} from './worker-options.js';

/** How long a handler may take to end after its signal has fired because the worker stops, milliseconds. */
const LAST_MOMENT_MS = 1_000;
/** How long the service may take to hear of what is handed back, milliseconds; then its leases run out. */
const HAND_BACK_MS = 5_000;
/** One reading of the feed names no more. */
const MOST_TYPES = 100;

interface Registration {
  readonly handler: TaskHandler;
  readonly concurrency: number;
}

/**
 * Runs tasks: claims those of the types that it has handlers for, runs the handlers, keeps the leases,
 * carries cancel and pause to the running code, and tells the service how each ended.
 */
export class TaskWorker {
  readonly workerId: string;
  private readonly settings: WorkerSettings;
  private readonly registrations = new Map<string, Registration>();
  private readonly held = new Map<string, HeldTask>();
  /** Everything that is not done with a task, held or not. */
  private readonly busy = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly hurrying = new AbortController();
  /** Fires last: nothing is sent or heard any more. */
  private readonly ended = new AbortController();
  private readonly holding: Holding;
  private loops: Promise<unknown> | undefined;
  private renewals: NodeJS.Timeout | undefined;
  private stopped: Promise<void> | undefined;
  private onStopped!: () => void;
  private readonly end = new Promise<void>((resolve) => {
    this.onStopped = resolve;
  });

  /**
   * @param client connected; it stays the caller's to close, after the worker has stopped
   * @throws TypeError for options out of range
   */
  constructor(
    private readonly client: WorkerClient,
    options: TaskWorkerOptions = {},
  ) {
    this.settings = settingsOf(options);
    this.workerId = this.settings.workerId;
    // Each type and each task listens: Node would warn of a leak from the eleventh on.
    setMaxListeners(Infinity, this.stopping.signal, this.ended.signal);
    this.holding = {
      ...this.settings,
      client,
      progressDue: new TimeLimits<ProgressReport>((report) => report.flush()),
      ended: this.ended.signal,
    };
  }

  /**
   * Says what does the work of one task type, before the start.
   *
   * @throws TypeError for what is no task type, one that has a handler, or a concurrency out of range
   */
  handle<Input extends Json = Json>(
    taskType: string,
    handler: TaskHandler<Input>,
    options: HandlerOptions = {},
  ): this {
    if (this.loops) throw new TypeError(`${taskType}: handlers are given before the worker starts`);
    if (this.registrations.has(taskType)) throw new TypeError(`${taskType} has a handler already`);
    if (this.registrations.size === MOST_TYPES) {
      throw new TypeError(`A worker has handlers for ${MOST_TYPES} task types at most`);
    }
    const concurrency = concurrencyOf(taskType, options);
    // What a task was created with, nobody has checked; see RunningTask.input.
    this.registrations.set(taskType, { handler: handler as unknown as TaskHandler, concurrency });
    return this;
  }

  /** Starts, and resolves when it has stopped: on SIGTERM or SIGINT, on a second one at once, or by `stop`. */
  async run(): Promise<void> {
    const release = onStopSignals(() => void this.stop({ now: this.stopping.signal.aborted }));
    try {
      this.start();
      await this.end;
    } finally {
      release();
    }
  }

  /** Starts claiming, as soon as the service can be reached. @throws Error when it was started or stopped before */
  start(): void {
    if (this.loops || this.stopped) {
      throw new Error('This worker was started or stopped before: make a new one');
    }
    if (this.registrations.size === 0) throw new Error('This worker has no handlers: see handle()');
    this.loops = this.work();
    const { leaseMs } = this.settings;
    this.renewals = setInterval(() => this.renew(leaseMs / 3), leaseMs / 12);
  }

  /**
   * Claims no more, gives handlers `shutdownMs` to end, and hands back the tasks of those that have not.
   * Called again with `now`, it does not wait for handlers any longer. Resolves when everything is told,
   * or cannot be; never rejects.
   */
  stop({ now = false }: { readonly now?: boolean } = {}): Promise<void> {
    if (now) this.hurrying.abort();
    this.stopped ??= this.shutDown();
    return this.stopped;
  }

  private async work(): Promise<void> {
    const { client, settings } = this;
    const { signal: stopping } = this.stopping;
    const feed = this.openFeed();
    await feed.start(stopping);
    const loops = [...this.registrations].map(([taskType, { handler, concurrency }]) => {
      const run = (task: TaskInfo) => this.take(task, handler, feed);
      const onClosed = (error: unknown) => {
        settings.onError(error);
        void this.stop({ now: true });
      };
      const parts = { client, settings, taskType, concurrency, run, onClosed, stopping };
      return new ClaimLoop(parts).run();
    });
    await Promise.all(loops);
  }

  private openFeed(): StopFeed {
    return new StopFeed({
      read: (request, signal) => this.client.readEvents(request, { signal }),
      taskTypes: [...this.registrations.keys()],
      tell: (taskId, news) => {
        const task = this.held.get(taskId);
        // One that is over already: it may be about the same task, claimed again by a claim not yet answered.
        if (!task || task.isOver) return false;
        task.hear(news);
        return true;
      },
      onGap: () => this.renew(0),
      onError: (error) => {
        if (!isPassing(error)) return this.settings.onError(error);
        this.settings.log.debug('The feed is interrupted', { error: String(error) });
      },
      ended: this.ended.signal,
    });
  }

  /** Runs a task that was claimed; resolves when its slot is free. */
  private take(info: TaskInfo, handler: TaskHandler, feed: StopFeed): Promise<void> {
    // Claimed again before the feed has told that it was lost: the older lease is over.
    this.held.get(info.id)?.hear({ then: 'lease_lost' });
    const task = new HeldTask(info, this.holding);
    const news = feed.newsOf(info.id);
    if (news) task.hear(news);
    if (this.stopping.signal.aborted) task.shutDown();
    this.held.set(info.id, task);
    const run = task.run(handler).then(() => {
      // A task that was lost may have come back meanwhile, as another.
      if (this.held.get(info.id) === task) this.held.delete(info.id);
      this.busy.delete(run);
    });
    this.busy.add(run);
    return run;
  }

  /** @param afterMs renews what was not renewed for so long, milliseconds */
  private renew(afterMs: number): void {
    const before = performance.now() - afterMs;
    for (const task of this.held.values()) task.renew(before);
  }

  private async shutDown(): Promise<void> {
    this.stopping.abort();
    const tasks = this.held;
    for (const task of tasks.values()) task.shutDown();
    const claimed = Promise.resolve(this.loops);
    const quiet = claimed.then(() => this.quiet());
    await this.within(this.settings.shutdownMs, quiet);
    for (const task of tasks.values()) task.abort();
    await this.within(LAST_MOMENT_MS, quiet);
    // What a claim brings that is taken back only now is here too.
    const told = claimed.then(() =>
      Promise.all([...tasks.values()].map((task) => task.handBack())),
    );
    await within(HAND_BACK_MS, told);
    clearInterval(this.renewals);
    this.holding.progressDue.stop();
    this.ended.abort();
    this.onStopped();
  }

  /** Resolves when no handler runs and nothing is left to tell. */
  private async quiet(): Promise<void> {
    while (this.busy.size > 0) await Promise.all(this.busy);
  }

  private within(ms: number, promise: Promise<unknown>): Promise<void> {
    return within(ms, promise, this.hurrying.signal);
  }
}

/** Waits for the promise, at most so many milliseconds, and not when the signal fires. */
async function within(ms: number, promise: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  const done = new AbortController();
  const either = signal ? AbortSignal.any([signal, done.signal]) : done.signal;
  const limit = sleep(ms, undefined, { signal: either }).catch(() => undefined);
  await Promise.race([promise, limit]);
  done.abort();
}
