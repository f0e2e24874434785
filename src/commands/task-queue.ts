import { Refusal } from '../context/index.js';

/** Commands that may wait in one process, all tasks together. */
const MAX_WAITING = 20_000;

/** Runs the work on one task after the other, in the order it came; different tasks do not wait for each other. */
export class TaskQueue {
  private readonly tails = new Map<string, Promise<unknown>>();
  private waiting = 0;

  run<T>(taskId: string, work: () => Promise<T>): Promise<T> {
    if (this.waiting >= MAX_WAITING) {
      throw new Refusal('OVERLOADED', `${MAX_WAITING} commands wait already; send it again later.`);
    }
    this.waiting++;
    const before = this.tails.get(taskId);
    const result = before ? before.then(work, work) : work();
    const tail: Promise<void> = result.then(
      () => this.leave(taskId, tail),
      () => this.leave(taskId, tail),
    );
    this.tails.set(taskId, tail);
    return result;
  }

  private leave(taskId: string, tail: Promise<unknown>): void {
    this.waiting--;
    if (this.tails.get(taskId) === tail) this.tails.delete(taskId);
  }
}
