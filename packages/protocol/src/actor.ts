/** Who sent a command. `verified` is false when nothing but the sender's word says so. */
export interface Actor {
  readonly id: string;
  readonly roles: readonly string[];
  readonly verified: boolean;
}

/** The roles that the service itself knows; others may be given for use as `role:<name>` approvers. */
export const ROLES = ['client', 'worker', 'approver', 'admin', 'reader'] as const;
export type Role = (typeof ROLES)[number];

/** What may stand beside the fields of every request. */
export interface RequestMeta {
  /** Checked against the service's token file; never stored, published or logged. */
  readonly token?: string;
  /** Believed only by a service without a token file, and recorded as not verified. */
  readonly actor?: { readonly id: string; readonly roles?: readonly string[] };
  /** UUID: a command with the same id takes effect once. */
  readonly commandId?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  /** Says that this may have been sent before. */
  readonly retry?: boolean;
  /** A position: the answer must be at least as new. */
  readonly after?: string;
}
