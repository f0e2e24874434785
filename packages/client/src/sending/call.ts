import type { RequestMeta } from '@taskmanager/protocol';
import type { TaskManagerError } from '../errors.js';

/** What a call is made of; see the fields of `Call`. */
export interface CallParts {
  readonly name: string;
  readonly subject: string;
  readonly args: object;
  readonly meta: Pick<RequestMeta, 'commandId' | 'correlationId' | 'causationId'>;
  readonly lane: string | undefined;
  readonly command: boolean;
  readonly after: boolean;
  readonly waitMs: number;
  /** For the whole call, without `waitMs`. */
  readonly limitMs: number;
  readonly tryMs: number;
  readonly signal: AbortSignal | undefined;
  /** Sent before by another call. */
  readonly maybeDone: boolean;
}

/**
 * One request of the caller from the moment it is made until it is answered or given up. A class with
 * fixed fields, because one is made for every command and a literal of this size is slow to make.
 */
export class Call {
  /** e.g. `update_task_progress` */
  readonly name: string;
  /** e.g. `tasks.command.update_task_progress` */
  readonly subject: string;
  readonly args: object;
  readonly meta: CallParts['meta'];
  /** The one task it is about: such commands may share a message and keep their order. */
  readonly lane: string | undefined;
  /** Whether listeners that are being added must be in place before it is sent. */
  readonly command: boolean;
  /** Asks for the newest state the client knows of. */
  readonly after: boolean;
  /** The service may keep it waiting on purpose: it takes no place among those in flight. */
  readonly long: boolean;
  /** Milliseconds, `waitMs` included. */
  readonly limitMs: number;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  /** For one try, milliseconds. */
  readonly tryMs: number;
  readonly signal: AbortSignal | undefined;
  /** What the caller waits for. */
  readonly answer: Promise<unknown>;
  resolve!: (answer: unknown) => void;
  reject!: (error: Error) => void;
  /** `trying`: with the transport; `pausing`: between two tries; both occupy the call's lane. */
  state: 'queued' | 'trying' | 'pausing' | 'settled' = 'queued';
  /** It may have taken effect. */
  maybeDone: boolean;
  failures = 0;
  /** Refused together with others for what may be another's fault: goes alone from now on. */
  alone = false;
  lastError: TaskManagerError | undefined;

  constructor(parts: CallParts) {
    this.name = parts.name;
    this.subject = parts.subject;
    this.args = parts.args;
    this.meta = parts.meta;
    this.lane = parts.lane;
    this.command = parts.command;
    this.after = parts.after;
    this.long = parts.waitMs > 0;
    this.limitMs = parts.waitMs + parts.limitMs;
    this.deadline = performance.now() + this.limitMs;
    this.tryMs = parts.waitMs + parts.tryMs;
    this.signal = parts.signal;
    this.maybeDone = parts.maybeDone;
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.lastError = undefined;
  }
}
