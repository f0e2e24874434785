import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { LIMITS, type Position } from '@taskmanager/protocol';
import { Refusal } from '../../context/index.js';
import { isDatabaseError } from '../../database/index.js';
import { EventLog } from '../../event-store/index.js';
import { ProcessorRunner } from '../../processing/index.js';
import { headInTime, reachedOrRefused } from '../view-freshness.js';
import { AUDIT } from './audit-builds.js';
import { NOT_OPEN } from './audit-files.js';
import { AuditProjection } from './audit.projection.js';
import type { AuditThread } from './audit-thread.js';

/** So long a query waits for the thread, milliseconds; each call takes it some tens of them. */
const ANSWER_MS = 10_000;
/** So long it waits for what was appended until it came, milliseconds. */
const NOW_MS = 500;

/**
 * So many questions the thread has not answered, at most, those that nobody waits for any more among them:
 * it does one after the other, and what is written queues behind them. More would come too late.
 */
const MOST_ASKED = 256;

/** How new a query wants the audit to be. */
export interface AsOf {
  /** Not older than this, or it is refused. */
  readonly after?: Position;
  /** As of now, or as new as it gets in a moment: what was refused has no position to be asked for. */
  readonly now: boolean;
}

/** The audit file that serves, at least as new as a query asks for. */
@Injectable()
export class AuditReader {
  private readonly logger = new Logger('Audit');
  /** Less in tests. */
  answerMs = ANSWER_MS;
  private asked = 0;

  constructor(
    private readonly audit: AuditProjection,
    private readonly runner: ProcessorRunner,
    private readonly log: EventLog,
  ) {}

  /** What `look` finds. Refused when the audit does not get there in time, or cannot be used. */
  async read<T>(
    { after, now }: AsOf,
    look: (thread: AuditThread, file: string) => Promise<T>,
  ): Promise<T> {
    const { run, thread } = this.audit;
    const { runner, log } = this;
    if (after !== undefined) {
      run.hurry();
      await reachedOrRefused(AUDIT, 'audit', after, { runner, log });
    }
    const head = now ? await headInTime(log) : undefined;
    if (head !== undefined && head !== 'unknown') {
      run.hurry();
      await runner.whenProcessed(AUDIT, head, NOW_MS);
    }
    const file = await run.whenServing(LIMITS.afterMs);
    if (file === undefined) throw notReady(thread);
    if (this.asked >= MOST_ASKED) throw overloaded(thread);
    this.asked += 1;
    const answer = look(thread, file).finally(() => (this.asked -= 1));
    try {
      return await this.inTime(answer, thread);
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code !== NOT_OPEN && !isDatabaseError(error)) throw error;
      // It may name files, and every reader may ask.
      this.logger.warn(`The audit could not be read: ${(error as Error).message}`);
      throw unusable();
    }
  }

  private async inTime<T>(answer: Promise<T>, thread: AuditThread): Promise<T> {
    const { answerMs } = this;
    const limit = new AbortController();
    const late = sleep(answerMs, undefined, { signal: limit.signal, ref: false });
    try {
      return await Promise.race([
        answer,
        late.then(() => Promise.reject(tooBusy(answerMs, thread))),
      ]);
    } finally {
      limit.abort();
    }
  }
}

function notReady({ busyWith }: AuditThread): Refusal {
  return new Refusal(
    'UNAVAILABLE',
    `The audit is being opened, or built from the event log${busyWith ? ` (${busyWith})` : ''}. Everything else is served meanwhile; list_processors says how far it is.`,
    { view: AUDIT },
  );
}

function overloaded({ busyWith }: AuditThread): Refusal {
  return new Refusal(
    'OVERLOADED',
    `Too many queries wait for the audit${busyWith ? ` (${busyWith})` : ''}. Try again later.`,
    { view: AUDIT },
  );
}

function tooBusy(answerMs: number, { busyWith }: AuditThread): Refusal {
  return new Refusal(
    'UNAVAILABLE',
    `The audit has not answered within ${answerMs} ms${busyWith ? `: ${busyWith}` : ''}. Try again later.`,
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
