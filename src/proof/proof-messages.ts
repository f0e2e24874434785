import type { AdminName, QueryName } from '@taskmanager/protocol';
import { SealHistory } from './seal-history.command.js';
import { VerifyHistory } from './verify-history.command.js';
import { VerifyTaskHistory } from './verify-task-history.query.js';

/** A message class: its fields are validated by decorators, `message` is its name on the wire. */
interface MessageClass<Name> {
  readonly message: Name;
  new (): object;
}

/** Messages about proof that read one task at once. */
export const PROOF_QUERY_MESSAGES: readonly MessageClass<QueryName>[] = [VerifyTaskHistory];

/** Admin messages about proof: they start jobs. */
export const PROOF_COMMAND_MESSAGES: readonly MessageClass<AdminName>[] = [
  VerifyHistory,
  SealHistory,
];
