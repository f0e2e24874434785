import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Retention } from './retention.js';

/** Deletes old tasks on a schedule, where the settings say so. */
@Module({ imports: [CqrsModule], providers: [Retention] })
export class RetentionModule {}
