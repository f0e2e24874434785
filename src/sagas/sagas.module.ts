import { Module } from '@nestjs/common';
import { ApprovalSaga } from './approval.saga.js';
import { DeadlinesSaga } from './deadlines.saga.js';
import { RetrySaga } from './retry.saga.js';

/** What moves tasks on by itself. The runner finds the sagas by their decorators. */
@Module({ providers: [ApprovalSaga, DeadlinesSaga, RetrySaga] })
export class SagasModule {}
