import type { ErrorCode } from '@taskmanager/protocol';

/**
 * A command or query that may not be done: an answer, not a fault. `message` says what was tried, what
 * stood in the way and what to do; `details` are for programs.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details?: Readonly<Record<string, unknown>>,
  ) {
    super(message);
  }
}
