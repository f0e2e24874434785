import { LIMITS, TASK_TYPE_PATTERN } from '@taskmanager/protocol';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { inspect } from 'node:util';
import { TaskManagerError } from '../errors.js';
import { jsonLog } from './json-log.js';
import type { TaskLog } from './running-task.js';

export interface TaskWorkerOptions {
  /** Who holds the tasks, one for each running worker: `<host>-<process id>-<6 by chance>` by default. */
  readonly workerId?: string;
  /** A task whose worker is not heard of for so long goes to another, milliseconds: 30,000 by default. */
  readonly leaseMs?: number;
  /** How long handlers may go on after `stop`, milliseconds: 30,000 by default. */
  readonly shutdownMs?: number;
  /** How long a handler that has pause points may take to reach the next, milliseconds: 30,000 by default. */
  readonly pauseGraceMs?: number;
  /** One line of JSON on stderr each by default, without those of `debug`. */
  readonly log?: TaskLog;
  /**
   * Told what no handler can tell: claims that are refused, a feed that is. By default it is a line of
   * the log.
   */
  readonly onError?: (error: unknown) => void;
}

export interface HandlerOptions {
  /** How many tasks of the type this worker runs at one time: 1 by default. */
  readonly concurrency?: number;
}

export type WorkerSettings = Required<TaskWorkerOptions>;

/** @throws TypeError for what is out of range */
export function settingsOf(options: TaskWorkerOptions): WorkerSettings {
  const log = quiet(options.log ?? jsonLog());
  const settings: WorkerSettings = {
    workerId: options.workerId ?? newWorkerId(),
    leaseMs: options.leaseMs ?? LIMITS.leaseMsDefault,
    shutdownMs: options.shutdownMs ?? 30_000,
    pauseGraceMs: options.pauseGraceMs ?? 30_000,
    log,
    onError: guarded(options.onError, log),
  };
  const { workerId, leaseMs, shutdownMs, pauseGraceMs } = settings;
  if (workerId.length < 1 || workerId.length > LIMITS.actorIdLength) {
    throw new TypeError(`workerId: 1 to ${LIMITS.actorIdLength} characters`);
  }
  requireInteger('leaseMs', leaseMs, LIMITS.leaseMsMin, LIMITS.leaseMsMax);
  requireInteger('shutdownMs', shutdownMs, 0, LONGEST_TIMER_MS);
  requireInteger('pauseGraceMs', pauseGraceMs, 0, LONGEST_TIMER_MS);
  return settings;
}

/** @throws TypeError */
export function concurrencyOf(taskType: string, { concurrency = 1 }: HandlerOptions): number {
  if (!TASK_TYPE_PATTERN.test(taskType)) {
    throw new TypeError(`${JSON.stringify(taskType)} is no task type: ${TASK_TYPE_PATTERN}`);
  }
  requireInteger('concurrency', concurrency, 1, 10_000);
  return concurrency;
}

/** Node fires timers that are longer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function requireInteger(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new TypeError(`${name}: a whole number from ${min} to ${max}, not ${value}`);
  }
}

function newWorkerId(): string {
  const host = hostname().slice(0, 200) || 'host';
  return `${host}-${process.pid}-${randomBytes(3).toString('hex')}`;
}

/** What is logged must end nothing either: a task whose log line failed would not be told of. */
function quiet(log: TaskLog): TaskLog {
  const line =
    (level: keyof TaskLog): TaskLog[keyof TaskLog] =>
    (message, fields) => {
      try {
        log[level](message, fields);
      } catch {
        // There is nobody else to tell.
      }
    };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}

/** What is told of errors must end nothing when it fails itself. */
function guarded(onError: TaskWorkerOptions['onError'], log: TaskLog): (error: unknown) => void {
  return (error) => {
    try {
      if (onError) onError(error);
      else log.error('The worker met an error', { error: textOf(error) });
    } catch (failure) {
      log.error('onError threw', { error: textOf(failure) });
    }
  };
}

/** With its stack, for a log; of the client's errors, which say all in words, without. Never throws. */
export function textOf(error: unknown): string {
  return error instanceof TaskManagerError ? error.message : inWords(error);
}

/** Whatever was thrown; never throws. */
export function messageOf(error: unknown): string {
  const message = messageIn(error);
  return typeof message === 'string' ? message : inWords(message ?? error);
}

function messageIn(error: unknown): unknown {
  try {
    return (error as Partial<Error> | null | undefined)?.message;
  } catch {
    return undefined;
  }
}

function inWords(value: unknown): string {
  try {
    const text = value instanceof Error ? value.stack : value;
    return typeof text === 'string' ? text : inspect(value);
  } catch {
    return `a ${typeof value} that has no text`;
  }
}
