import { Backup } from './backup/backup.command.js';
import { COMMAND_MESSAGES, TASK_COMMAND_MESSAGES } from './commands/command-messages.js';
import { ImportTask } from './commands/imports/import-task.command.js';
import { TASK_TYPE_COMMAND_MESSAGES } from './commands/task-types/task-type-messages.js';
import { JOB_COMMAND_MESSAGES, JOB_QUERY_MESSAGES } from './jobs/job-messages.js';
import { DryRunPolicy } from './policy/dry-run-policy.command.js';
import {
  PROCESSOR_COMMAND_MESSAGES,
  PROCESSOR_QUERY_MESSAGES,
} from './processing/admin/admin-messages.js';
import { ADMIN_QUERY_MESSAGES, QUERY_MESSAGES } from './projections/query-messages.js';
import { PROOF_COMMAND_MESSAGES, PROOF_QUERY_MESSAGES } from './proof/proof-messages.js';
import { ListEndpoints } from './publishers/list-endpoints.query.js';
import { SearchRepository } from './search/search-repository.query.js';
import type { Messages } from './transport/index.js';

/** Everything that is served, whoever keeps it. */
export const MESSAGES: Messages = {
  commands: COMMAND_MESSAGES,
  batched: TASK_COMMAND_MESSAGES,
  queries: [...QUERY_MESSAGES, SearchRepository, ...PROOF_QUERY_MESSAGES],
  admin: {
    commands: [
      ...PROCESSOR_COMMAND_MESSAGES,
      ...TASK_TYPE_COMMAND_MESSAGES,
      ...JOB_COMMAND_MESSAGES,
      DryRunPolicy,
      ...PROOF_COMMAND_MESSAGES,
      ImportTask,
      Backup,
    ],
    queries: [
      ...PROCESSOR_QUERY_MESSAGES,
      ...ADMIN_QUERY_MESSAGES,
      ...JOB_QUERY_MESSAGES,
      ListEndpoints,
    ],
  },
};
