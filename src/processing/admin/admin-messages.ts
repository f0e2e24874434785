import type { AdminName } from '@taskmanager/protocol';
import { DiscardParkedEvents } from './discard-parked-events.command.js';
import { DropProjectionBuilds } from './drop-projection-builds.command.js';
import { DryRunProjection } from './dry-run-projection.command.js';
import { ListParkedEvents } from './list-parked-events.query.js';
import { ListProcessors } from './list-processors.query.js';
import { PauseProcessor } from './pause-processor.command.js';
import { RebuildProjection } from './rebuild-projection.command.js';
import { ResumeProcessor } from './resume-processor.command.js';
import { RetryParkedEvents } from './retry-parked-events.command.js';
import { VerifyProjection } from './verify-projection.command.js';

/** A message class: its fields are validated by decorators, `message` is its name on the wire. */
interface AdminClass {
  readonly message: AdminName;
  new (): object;
}

/** Admin messages about processors that change something. */
export const PROCESSOR_COMMAND_MESSAGES: readonly AdminClass[] = [
  PauseProcessor,
  ResumeProcessor,
  RetryParkedEvents,
  DiscardParkedEvents,
  RebuildProjection,
  VerifyProjection,
  DropProjectionBuilds,
  DryRunProjection,
];

/** Admin messages about processors that only look. */
export const PROCESSOR_QUERY_MESSAGES: readonly AdminClass[] = [ListProcessors, ListParkedEvents];
