/** What the command line ends with; scripts branch on these, so they stay as they are. */
export const ExitCode = {
  Done: 0,
  /** The service refused it, or it went wrong. */
  Failed: 1,
  /** The command line is wrong, or a question could not be asked. */
  WrongUsage: 2,
  /** A check was made to its end and found differences or problems. */
  Found: 3,
  /** Nobody answers, or the service is not ready. */
  Unreachable: 4,
  Interrupted: 130,
  Terminated: 143,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export const EXIT_CODES_HELP = `Exit codes: 0 done; 1 refused or failed; 2 the command line is wrong, or a question could not be asked;
3 a check found differences or problems; 4 nobody answers, or the service is not ready; 130 and 143
interrupted.`;
