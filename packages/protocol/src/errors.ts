export const ERROR_CODES = [
  'VALIDATION_FAILED',
  'TASK_NOT_FOUND',
  'INVALID_TRANSITION',
  'CONFLICT',
  'LEASE_LOST',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'PAYLOAD_TOO_LARGE',
  'OVERLOADED',
  'UNAVAILABLE',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** The one shape of every error on the wire. */
export interface ErrorBody {
  readonly code: ErrorCode;
  /** For people: what was tried, what stood in the way, what to do. */
  readonly message: string;
  /** For programs: e.g. `{ field }`, `{ status, allowed }`, `{ problems }`. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly correlationId: string;
}
