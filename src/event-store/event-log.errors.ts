import type { Position } from '@taskmanager/protocol';
import type { ExpectedRevision, Revision } from './event-log.port.js';

/** The stream is not where the writer believed it to be: reload and decide again. */
export class RevisionConflict extends Error {
  readonly code = 'REVISION_CONFLICT';
  override readonly name = 'RevisionConflict';

  constructor(
    readonly stream: string,
    readonly expected: ExpectedRevision,
    /** The stream's last revision; undefined when there is no such stream. */
    readonly actual: Revision | undefined,
  ) {
    super(`Stream ${stream} is at ${actual ?? 'no revision'}, expected ${expected}.`);
  }
}

/**
 * The log cannot be written or read now: disk full, busy past its limit, server away, closed.
 * `outcomeUnknown` says that an append may have happened all the same: retry it with the same ids.
 */
export class LogUnavailable extends Error {
  readonly code: string = 'LOG_UNAVAILABLE';
  override readonly name: string = 'LogUnavailable';

  constructor(
    reason: string,
    readonly outcomeUnknown: boolean,
    options?: ErrorOptions,
  ) {
    super(`The event log is unavailable: ${reason}`, options);
  }
}

/** Too many appends wait already: nothing was written, and trying again later may work. */
export class LogOverloaded extends LogUnavailable {
  override readonly code = 'LOG_OVERLOADED';
  override readonly name = 'LogOverloaded';

  constructor(waiting: number) {
    super(`${waiting} writes wait already, try again later`, false);
  }
}

/** The position was given out by another log, so it says nothing about this one. */
export class ForeignPosition extends Error {
  readonly code = 'FOREIGN_POSITION';
  override readonly name = 'ForeignPosition';

  constructor(
    readonly position: Position,
    readonly logId: string,
  ) {
    super(
      `Position ${position} belongs to another event log; this one is ${logId}. Start again from 'start' or 'now'.`,
    );
  }
}
