import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { EventStoreModule } from '../event-store/event-store.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { DryRunPolicyHandler } from './dry-run-policy.handler.js';

/** What the deciders of this release would say of what was recorded. */
@Module({
  imports: [CqrsModule, EventStoreModule, JobsModule],
  providers: [DryRunPolicyHandler],
})
export class PolicyModule {}
