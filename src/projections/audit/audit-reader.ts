import { Injectable, Logger } from '@nestjs/common';
import { LIMITS, type Position } from '@taskmanager/protocol';
import { Refusal } from '../../context/index.js';
import { isDatabaseError } from '../../database/index.js';
import { EventLog } from '../../event-store/index.js';
import { ProcessorRunner } from '../../processing/index.js';
import { reachedOrRefused } from '../view-freshness.js';
import { AUDIT } from './audit-builds.js';
import { NOT_OPEN } from './audit-files.js';
import { AuditProjection } from './audit.projection.js';
import type { AuditThread } from './audit-thread.js';

/** The audit file that serves, at least as new as a query asks for. */
@Injectable()
export class AuditReader {
  private readonly logger = new Logger('Audit');

  constructor(
    private readonly audit: AuditProjection,
    private readonly runner: ProcessorRunner,
    private readonly log: EventLog,
  ) {}

  /** What `look` finds. Refused when the audit does not get there in time, or cannot be used. */
  async read<T>(
    after: Position | undefined,
    look: (thread: AuditThread, file: string) => Promise<T>,
  ): Promise<T> {
    const { run, thread } = this.audit;
    if (after !== undefined) {
      run.hurry();
      await reachedOrRefused(AUDIT, 'audit', after, { runner: this.runner, log: this.log });
    }
    const file = await run.whenServing(LIMITS.afterMs);
    if (file === undefined) throw beingBuilt();
    try {
      return await look(thread, file);
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code !== NOT_OPEN && !isDatabaseError(error)) throw error;
      // It may name files, and every reader may ask.
      this.logger.warn(`The audit could not be read: ${(error as Error).message}`);
      throw unusable();
    }
  }
}

function beingBuilt(): Refusal {
  return new Refusal(
    'UNAVAILABLE',
    'The audit is being built from the event log. Everything else is served meanwhile; list_processors says how far it is.',
    { view: AUDIT },
  );
}

function unusable(): Refusal {
  return new Refusal(
    'UNAVAILABLE',
    'The audit cannot be used now; the log of the service says why. Try again later.',
    { view: AUDIT },
  );
}
