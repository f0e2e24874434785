import { Logger } from '@nestjs/common';
import { type Clock, SystemClock, TimeOrderedIds } from '../../context/index.js';
import type { EventLog, LogFilter, ProcessorStore } from '../../event-store/index.js';
import type { StoredTaskEvent } from '../../events/index.js';
import { HandlerRun } from './handler-run.js';
import { Ownership, type OwnershipTimes } from '../ownership.js';
import type { ProcessorHandler } from './processor-handler.js';
import type { ProcessorStatus } from '../processor.js';

/** For tests: remembers which events it handled, and does with each what the test says. */
export class Recorder implements ProcessorHandler {
  readonly kind = 'saga' as 'saga' | 'publisher';
  readonly version = 1;
  readonly beginsAt: 'start' | 'now' = 'start';
  readonly attempts: number = 2;
  readonly filter: LogFilter = { streamPrefix: 'task-' };
  /** `<task>/<revision>`, when it was handled. */
  readonly handled: string[] = [];
  readonly tried: string[] = [];
  /** Handles: those that are being handled now, and the most there ever were. */
  busy = 0;
  mostBusy = 0;
  act: (event: StoredTaskEvent, signal: AbortSignal) => unknown = () => undefined;

  constructor(
    readonly name = 'recorder',
    more: Partial<Pick<ProcessorHandler, 'filter' | 'beginsAt' | 'attempts' | 'flush'>> = {},
  ) {
    Object.assign(this, more);
  }

  async handle(event: StoredTaskEvent, signal: AbortSignal): Promise<void> {
    this.tried.push(nameOf(event));
    this.busy += 1;
    this.mostBusy = Math.max(this.mostBusy, this.busy);
    try {
      await this.act(event, signal);
      this.handled.push(nameOf(event));
    } finally {
      this.busy -= 1;
    }
  }

  /** What it handled of this task: revisions. */
  of(taskId: string): number[] {
    const mine = this.handled.filter((name) => name.startsWith(`${taskId}/`));
    return mine.map((name) => Number(name.slice(taskId.length + 1)));
  }
}

export const nameOf = ({ taskId, revision }: StoredTaskEvent): string => `${taskId}/${revision}`;

/** A quarter of the usual times. */
const QUICK: OwnershipTimes = { ttl: 1_600, renew: 200, margin: 400, answer: 400 };

export const quickOwnership = (
  store: ProcessorStore,
  clock: Clock = new SystemClock(),
): Ownership => new Ownership(store, clock, new TimeOrderedIds(), QUICK);

// What owners tell is for nobody here.
Logger.overrideLogger(false);

/** For tests: one process as far as sagas and publishers know it. */
export class OwnerProcess {
  readonly ownership: Ownership;
  private stopped: Promise<void> | undefined;
  readonly run: HandlerRun;
  /** What was told, as `warn: …` and `log: …`. */
  readonly told: string[] = [];

  constructor(
    log: EventLog,
    private readonly store: ProcessorStore,
    handler: ProcessorHandler,
    clock: Clock = new SystemClock(),
  ) {
    this.ownership = quickOwnership(store, clock);
    const logger = new Logger('test');
    logger.warn = (message: unknown) => void this.told.push(`warn: ${String(message)}`);
    logger.log = (message: unknown) => void this.told.push(`log: ${String(message)}`);
    this.run = new HandlerRun({ handler, log, store, clock, logger }, this.ownership);
  }

  start(): this {
    this.run.start();
    this.ownership.start();
    return this;
  }

  stop(): Promise<void> {
    this.stopped ??= this.run.stop().then(() => this.ownership.stop());
    return this.stopped;
  }

  /** As a kill does: from here on it can write nothing; what it does at this moment it does not end. */
  async kill(): Promise<void> {
    await this.store.close();
  }

  async status(): Promise<ProcessorStatus> {
    const [status] = await this.run.status(undefined);
    if (!status) throw new Error('A run has a status.');
    return status;
  }
}

/** A promise and how to fulfil it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
