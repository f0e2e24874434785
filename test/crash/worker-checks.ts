/** What is wrong with the tasks of workers that were killed or stopped, read from the log alone. */
import { isDeepStrictEqual } from 'node:util';
import type { Json, TaskInfo } from '@taskmanager/protocol';
import { type Fact, type Fold, foldFact, readFact, verifyChain } from '../model/task-fold.js';
import { byStream, type LogRow } from './log-rows.js';

const MAX_STALLS = 3;
/** What is handed back is the oldest of its type: it goes on as soon as a slot is free, milliseconds. */
const GO_ON_MS = 3_000;
const ENDS = new Set(['TaskCompleted', 'TaskCancelled', 'TaskFailed']);
/** Only the one who holds the lease may cause these. */
const HOLDERS = new Set([
  'ProgressUpdated',
  'TaskLeaseRenewed',
  'TaskReleased',
  'TaskPauseAcknowledged',
  'TaskCompleted',
]);
/** With these, all that the holder says before its lease runs out is a sign of life. */
const USES = new Set(['ProgressUpdated', 'TaskLeaseRenewed']);

/** What mortal-worker.mjs leaves in checkpoints and results. */
interface Mark {
  readonly n: number;
  /** Of the checkpoint that its attempt began with; 0 without one. */
  readonly from: number;
  readonly attempt: number;
  readonly epoch: number;
  readonly workerId: string;
}

export interface WorkerFigures {
  tasks: number;
  readonly ends: Record<string, number>;
  attempts: number;
  /** Attempts that began from a checkpoint. */
  resumed: number;
  stalls: number;
  leasesExpired: number;
  released: number;
  /** From each release to the next attempt, when nothing else came between, milliseconds. */
  readonly goneOn: number[];
  pausesAcknowledged: number;
  /** By code, as recorded. */
  readonly refusals: Record<string, number>;
  readonly problems: string[];
}

/** @param stoppedAt when workers were told to end, epoch milliseconds, by their id */
export function checkWorkers(
  rows: readonly LogRow[],
  stoppedAt: ReadonlyMap<string, number>,
): WorkerFigures {
  const figures: WorkerFigures = {
    tasks: 0,
    ends: {},
    attempts: 0,
    resumed: 0,
    stalls: 0,
    leasesExpired: 0,
    released: 0,
    goneOn: [],
    pausesAcknowledged: 0,
    refusals: {},
    problems: [],
  };
  for (const [stream, events] of byStream(rows)) {
    if (stream.startsWith('refused-')) countRefusals(events, figures);
    if (!stream.startsWith('task-')) continue;
    figures.tasks++;
    figures.problems.push(...verifyChain(events));
    new Checked(stream.slice('task-'.length), figures, stoppedAt).read(events.map(readFact));
  }
  return figures;
}

/** One task, event after event. */
class Checked {
  private fold: Fold | undefined;
  private began: Json | undefined;
  private used = false;
  /** When it was handed back, if that was the last that happened to it. */
  private releasedAt: number | undefined;
  private stalls = 0;
  private ends = 0;

  constructor(
    private readonly id: string,
    private readonly figures: WorkerFigures,
    private readonly stoppedAt: ReadonlyMap<string, number>,
  ) {}

  read(facts: readonly Fact[]): void {
    for (const fact of facts) {
      if (this.fold) this.look(fact, this.fold);
      this.fold = foldFact(this.fold, this.id, fact);
    }
    const status = this.fold?.info.status ?? 'unknown';
    this.figures.ends[status] = (this.figures.ends[status] ?? 0) + 1;
    if (this.ends !== 1) this.problem(`it ended ${this.ends} times, and is ${status}`);
  }

  private look(fact: Fact, { info, leased }: Fold): void {
    const { type, data, metadata } = fact;
    if (ENDS.has(type)) this.ends++;
    else if (this.ends > 0 && type !== 'TaskCancelAcknowledged') {
      this.problem(`${type} at revision ${fact.revision}, after it had ended`);
    }
    if (HOLDERS.has(type)) {
      if (!leased) this.problem(`${type} at revision ${fact.revision} without a lease`);
      else if (metadata.actor.id !== info.workerId) {
        this.problem(`${type} by ${metadata.actor.id}, while ${info.workerId} held it`);
      }
    }
    if (USES.has(type)) this.used = true;
    if (data['checkpoint'] !== undefined) this.mark(data['checkpoint'], info, type);
    const releasedAt = this.releasedAt;
    this.releasedAt = undefined;
    switch (type) {
      case 'TaskStarted':
        this.start(fact, info, leased);
        if (releasedAt !== undefined) this.goOn(metadata.timestamp - releasedAt);
        break;
      case 'TaskLeaseExpired':
        this.expire(fact, info, leased);
        break;
      case 'TaskCompleted':
        this.mark(data['result'], info, type);
        break;
      case 'TaskFailed':
        if (this.stalls <= MAX_STALLS) this.problem(`it failed: ${JSON.stringify(data['error'])}`);
        break;
      case 'TaskCancelAcknowledged':
        if (metadata.actor.id !== info.workerId) {
          this.problem(`${metadata.actor.id} acknowledged the cancel, not ${info.workerId}`);
        }
        break;
      case 'TaskReleased':
        this.figures.released++;
        this.releasedAt = metadata.timestamp;
        break;
      case 'TaskPauseAcknowledged':
        this.figures.pausesAcknowledged++;
    }
  }

  private start({ data }: Fact, info: TaskInfo, leased: boolean): void {
    const next = { epoch: (info.leaseEpoch ?? 0) + 1, attempt: info.attempt + 1 };
    if (leased || info.status !== 'pending') this.problem(`started while it was ${info.status}`);
    if (data['leaseEpoch'] !== next.epoch || data['attempt'] !== next.attempt) {
      this.problem(`started as ${JSON.stringify(data)}, and due was ${JSON.stringify(next)}`);
    }
    this.began = info.checkpoint;
    this.used = false;
    this.figures.attempts++;
    if (info.checkpoint !== undefined) this.figures.resumed++;
  }

  private goOn(afterMs: number): void {
    this.figures.goneOn.push(afterMs);
    if (afterMs > GO_ON_MS) this.problem(`handed back, it went on after ${afterMs} ms`);
  }

  private expire({ data, metadata }: Fact, info: TaskInfo, leased: boolean): void {
    if (!leased || metadata.timestamp < (info.leaseExpiresAt ?? Infinity)) {
      this.problem(`a lease ran out at ${metadata.timestamp} that went to ${info.leaseExpiresAt}`);
    }
    if (metadata.timestamp > (this.stoppedAt.get(info.workerId ?? '') ?? Infinity)) {
      this.problem(
        `the lease of ${info.workerId} ran out, which was stopped and had to hand it back`,
      );
    }
    if (info.status === 'running' && this.used) {
      this.stalls++;
      this.figures.stalls++;
    }
    this.figures.leasesExpired++;
    if (data['stallCount'] !== this.stalls) {
      this.problem(
        `stall ${JSON.stringify(data['stallCount'])} in the log, ${this.stalls} by counting`,
      );
    }
  }

  /** What a worker left was left under the lease of that moment, by an attempt that began where it should. */
  private mark(left: Json | undefined, info: TaskInfo, type: string): void {
    const { n, from, ...by } = left as unknown as Mark;
    const { attempt, leaseEpoch: epoch, workerId } = info;
    if (!isDeepStrictEqual(by, { attempt, epoch, workerId })) {
      this.problem(`${type} by ${JSON.stringify(by)} under epoch ${epoch} of ${workerId}`);
    }
    const due = (this.began as Mark | undefined)?.n ?? 0;
    if (from !== due) this.problem(`attempt ${attempt} began from ${from}, and due was ${due}`);
    const { steps } = info.input as { steps: number };
    if (n < from || n > steps || (type === 'TaskCompleted' && n !== steps)) {
      this.problem(`${type} after ${n} steps of ${steps}, begun from ${from}`);
    }
  }

  private problem(what: string): void {
    this.figures.problems.push(`${this.fold?.info.taskType} ${this.id}: ${what}`);
  }
}

function countRefusals(events: readonly LogRow[], { refusals }: WorkerFigures): void {
  for (const { data } of events) {
    const { code = 'omitted' } = JSON.parse(data) as { code?: string };
    refusals[code] = (refusals[code] ?? 0) + 1;
  }
}
