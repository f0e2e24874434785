import type { TaskTypeAnswer } from '@taskmanager/protocol';
import type { DatedChainEnd } from '../events/index.js';
import type { TaskTypeRule } from '../task/index.js';

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
  /** Where their stream ends, as far as it was read. */
  abstract readonly end: DatedChainEnd;

  /** What stands now. */
  abstract answerAbout(taskType: string): TaskTypeAnswer;

  /** What this command was answered when it took effect; undefined when it is not among the last. */
  abstract answerTo(commandId: string): TaskTypeAnswer | undefined;
}
