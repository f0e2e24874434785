/** The command line is wrong, or cannot be followed here: one line for people that says what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Somebody was asked and said no: nothing was done. */
export class Declined extends Error {
  override readonly name = 'Declined';
}

/** Something of this machine or of a job stood in the way; one line for people. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}
