import type { TaskTypeAnswer } from '@taskmanager/protocol';
import type { ChainEnd } from '../events/index.js';
import type { TaskTypeRule } from '../task/index.js';

/** Where the stream of the task types ends, as far as it was read. */
export interface TaskTypesEnd extends ChainEnd {
  /** Of the last event, epoch milliseconds; 0 while there is none. */
  readonly timestamp: number;
}

/** What is decided about task types as a whole, folded from their stream and followed as it grows. */
export abstract class TaskTypes {
  /** Reads to the end of the stream. Rejects with LogUnavailable. */
  abstract refresh(): Promise<void>;

  /** At once when it was read before; what other processes decide since is heard of by itself. */
  abstract ready(): Promise<void>;

  /** Undefined: neither paused nor limited. */
  abstract ruleOf(taskType: string): TaskTypeRule | undefined;

  /** How many types there are with a rule. */
  abstract readonly size: number;
  abstract readonly end: TaskTypesEnd;

  /** What stands now. */
  abstract answerAbout(taskType: string): TaskTypeAnswer;

  /** What this command was answered when it took effect; undefined when it is not among the last. */
  abstract answerTo(commandId: string): TaskTypeAnswer | undefined;
}
