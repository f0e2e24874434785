import type { ErrorBody } from '@taskmanager/protocol';

/** Why a command of a batch was refused before it was sent: the wire's error, ready to be answered. */
export interface BatchRefusal {
  readonly error: ErrorBody;
}

/** A command that was validated and has its context. */
export interface BatchCommand {
  readonly message: object;
}

/**
 * Up to 1,000 commands, each about one task: decided one by one, in order for each task. The transport
 * makes it from `{ commands: [{ command, args, meta? }] }`, in the same order, and gives it the function
 * that turns whatever a command throws into the wire's error.
 */
export class Batch {
  static readonly message = 'batch';

  constructor(
    readonly entries: readonly (BatchCommand | BatchRefusal)[],
    readonly toError: (error: unknown, message: object) => ErrorBody,
  ) {}
}
