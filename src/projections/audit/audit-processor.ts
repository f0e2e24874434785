import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Position } from '@taskmanager/protocol';
import {
  CheckpointMoved,
  Doorbell,
  type Processor,
  type ProcessorBatch,
} from '../../processing/index.js';
import { AUDIT, type AuditBuild, type AuditBuilds } from './audit-builds.js';
import { AUDIT_VERSION } from './audit-row.js';
import type { AuditThread } from './audit-thread.js';

/** Events in a batch at the head after which it rests, so that the next batch is large too. */
const LARGE = 20;
/** How long it rests, milliseconds: so much later than the log are queries that ask for no position. */
const REST_MS = 80;

/** Who hears of what happens to the audit. */
export interface AuditListener {
  /** Queries are answered from this file from now on. */
  serves(build: AuditBuild): void;
  /** The file that serves holds everything up to here. */
  written(position: Position): void;
}

/** Brings the log to the audit file that serves, or is to serve next. */
export class AuditProcessor implements Processor {
  readonly name = AUDIT;
  readonly version = AUDIT_VERSION;
  /** Every stream: tasks, refusals, task types, imported tasks. */
  readonly filter = {};
  private readonly bell = new Doorbell();
  private build: AuditBuild | undefined;
  private position: Position | undefined;

  constructor(
    private readonly builds: AuditBuilds,
    private readonly thread: AuditThread,
    private readonly listener: AuditListener,
    private readonly stopping: AbortSignal,
  ) {}

  isPaused(): boolean {
    return this.builds.generations.isPaused(AUDIT);
  }

  /** Another build serves, or this one has been promoted: it is to be opened again. */
  get isOutdated(): boolean {
    if (!this.build) return false;
    const { generation, state } = this.build.generation;
    return this.builds.generations.find(AUDIT, generation)?.state !== state;
  }

  /** Somebody waits: what was appended meanwhile is not to wait any longer. */
  hurry(): void {
    this.bell.ring();
  }

  async open(): Promise<Position | undefined> {
    this.build = await this.builds.open();
    this.position = this.build.position;
    if (this.serves) this.listener.serves(this.build);
    return this.position;
  }

  async handle({ events, position, caughtUp }: ProcessorBatch): Promise<Position | undefined> {
    const { build } = this;
    if (!build) throw new Error('The audit was not opened.');
    if (position !== undefined && position > (this.position ?? '')) {
      const expected = this.position ?? null;
      const { file } = build;
      if (!(await this.thread.call('write', file, expected, events, position))) {
        throw new CheckpointMoved(AUDIT);
      }
      this.position = position;
      if (this.serves) this.listener.written(position);
    }
    if (caughtUp && !this.serves) {
      this.builds.promote(build, 'retired');
      // It is opened again as the one that serves.
      await nextTurn();
      throw new CheckpointMoved(AUDIT);
    }
    if (caughtUp && events.length >= LARGE) await this.bell.wait(REST_MS, this.stopping);
    return this.position;
  }

  private get serves(): boolean {
    return this.build?.generation.state === 'serving';
  }
}
