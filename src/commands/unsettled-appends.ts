import { LRUCache } from 'lru-cache';
import { LogUnavailable } from '../event-store/index.js';
import type { Execution } from './execution.js';
import type { TaskStream } from './task-snapshot.js';

/**
 * How long an append that nobody answered may still come about, milliseconds: a cluster is told to begin
 * none after half of that, and ends within seconds what it has begun.
 */
const LATE_MS = 60_000;
/** As many as wait for a log that is away, and more. */
const MAX_COMMANDS = 20_000;

/**
 * Commands whose append nobody knows the outcome of. Until the stream has moved on, the append may still
 * come about, so none of them may be told that it had no effect.
 */
export class UnsettledAppends {
  /** Where the stream ended that the append was to continue: it comes about there or not at all. */
  private revisions: LRUCache<string, number> | undefined;

  add(execution: Execution, revision: number): void {
    // Made when it is needed, which is seldom: it takes its whole room at once.
    this.revisions ??= new LRUCache({ max: MAX_COMMANDS, ttl: LATE_MS });
    this.revisions.set(keyOf(execution), revision);
  }

  /** @throws LogUnavailable when an earlier try of the command may still be appended to the stream */
  assertSettled(execution: Execution, { chain }: TaskStream): void {
    if (this.revisions?.get(keyOf(execution)) !== chain.revision) return;
    throw new LogUnavailable(`an earlier try of ${execution.command} may still come about`, true);
  }
}

const keyOf = ({ taskId, context }: Execution): string => `${taskId} ${context.commandId}`;
