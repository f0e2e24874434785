import { Refusal } from '../context/index.js';
import { LogUnavailable } from '../event-store/index.js';

/** Commands that may wait in one process, all tasks together. */
const MAX_WAITING = 20_000;

/** Those who wait for each other. */
interface Line {
  tail: Promise<unknown>;
  broken?: LogUnavailable;
}

/**
 * Runs the work on one task after the other, in the order it came; different tasks do not wait for each
 * other. When the log fails one, it fails those who waited behind it too: each would wait as long again
 * for a log that is away, and none knows any more what came before it.
 */
export class TaskQueue {
  private readonly lines = new Map<string, Line>();
  private waiting = 0;

  run<T>(taskId: string, work: () => Promise<T>): Promise<T> {
    if (this.waiting >= MAX_WAITING) {
      throw new Refusal('OVERLOADED', `${MAX_WAITING} commands wait already; send it again later.`);
    }
    this.waiting++;
    const before = this.lines.get(taskId);
    const line = before ?? { tail: Promise.resolve() };
    const turn = () => (line.broken ? Promise.reject(notTried(line.broken)) : work());
    const result = before ? before.tail.then(turn) : work();
    const tail: Promise<void> = result.then(
      () => this.leave(taskId, line, tail),
      (error: unknown) => {
        if (error instanceof LogUnavailable) this.breakUp(taskId, line, error);
        this.leave(taskId, line, tail);
      },
    );
    line.tail = tail;
    if (!before) this.lines.set(taskId, line);
    return result;
  }

  private leave(taskId: string, line: Line, tail: Promise<unknown>): void {
    this.waiting--;
    if (line.tail === tail) this.remove(taskId, line);
  }

  /** Whoever comes from now on begins a line of his own. */
  private breakUp(taskId: string, line: Line, error: LogUnavailable): void {
    line.broken ??= error;
    this.remove(taskId, line);
  }

  private remove(taskId: string, line: Line): void {
    if (this.lines.get(taskId) === line) this.lines.delete(taskId);
  }
}

function notTried(cause: LogUnavailable): LogUnavailable {
  return new LogUnavailable('it failed a command about the same task just before', false, {
    cause,
  });
}
