import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../../context/index.js';
import { ViewsDatabase } from '../../database/index.js';
import { EventLog } from '../../event-store/index.js';
import { Jobs } from '../../jobs/index.js';
import { type ProjectionSource, ProjectionSources } from '../../processing/index.js';
import { AuditRun } from './audit-run.js';
import { AuditThread } from './audit-thread.js';

/** Who did what, of every event in the log, in files of its own that a thread keeps. */
@Injectable()
@ProjectionSources()
export class AuditProjection implements ProjectionSource, OnApplicationShutdown {
  readonly run: AuditRun;
  readonly thread = new AuditThread();

  constructor(database: ViewsDatabase, log: EventLog, clock: Clock, jobs: Jobs) {
    const logger = new Logger('Audit');
    const tell = (message: string) => logger.warn(message);
    this.run = new AuditRun({ database, log, clock, thread: this.thread, jobs, tell });
  }

  projection(): AuditRun {
    return this.run;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.thread.close();
  }
}
