import { randomUUID } from 'node:crypto';
import { type TaskManager, TaskManagerError } from '@taskmanager/client';
import type { LogRow } from './log-rows.js';

const APP = 'crash';
const SECOND_MS = 1_000;
/** How often a question may reach the service only when its end is over already. */
const ASKED_TOO_LATE_LIMIT = 20;

type Request = NonNullable<Parameters<TaskManager['requestApproval']>[1]>;

/** The events of the log by stream. */
type Streams = ReadonlyMap<string, readonly LogRow[]>;

/** What each task must have been through, by types of events; nothing of it more often than said. */
type Expected = Readonly<Record<string, number>>;

/**
 * Five tasks that nobody touches once they are begun: a retry, a lease that runs out, a clock that runs
 * out, and two questions: one that is announced, reminded of and expires, and one that is announced and
 * escalated. All of it is to happen once, whatever is killed meanwhile.
 */
export class SagaStory {
  readonly retried = randomUUID();
  readonly leased = randomUUID();
  readonly queued = randomUUID();
  readonly expiring = randomUUID();
  readonly escalated = randomUUID();

  private readonly expected = new Map<string, Expected>([
    [this.retried, { TaskFailed: 1, TaskRetryScheduled: 1, TaskRetried: 1 }],
    [this.leased, { TaskStarted: 1, TaskLeaseExpired: 1 }],
    [this.queued, { TaskFailed: 1 }],
    [this.expiring, { TaskApprovalExpired: 1, TaskFailed: 1 }],
    [this.escalated, { requested: 1, escalation: 1 }],
  ]);
  /** Of every task, for the question may be over before anybody could be told. */
  private readonly atMost: Expected = { requested: 1, escalation: 1 };

  /** Every command is sent again until it is answered. */
  async begin(client: TaskManager): Promise<void> {
    await Promise.all([
      this.beginRetry(client),
      this.beginLease(client),
      this.beginClock(client),
      this.ask(client, this.expiring, {
        approvers: ['alice'],
        remindEveryMs: SECOND_MS,
        dueInMs: 3 * SECOND_MS,
      }),
      this.ask(client, this.escalated, {
        approvers: ['alice'],
        escalateTo: ['bob'],
        escalateAfterMs: 1_500,
      }),
    ]);
  }

  /** What has not come about yet; undefined when all has. */
  missing(streams: Streams): string | undefined {
    for (const [id, expected] of this.expected) {
      const counts = this.countsOf(streams, id);
      for (const [what, count] of Object.entries(expected)) {
        if ((counts.get(what) ?? 0) < count) return `${what} of ${this.nameOf(id)}`;
      }
    }
    return undefined;
  }

  /** What happened more often than it should. */
  problems(streams: Streams): string[] {
    const problems: string[] = [];
    for (const [id, expected] of this.expected) {
      const counts = this.countsOf(streams, id);
      for (const [what, count] of Object.entries({ ...this.atMost, ...expected })) {
        const found = counts.get(what) ?? 0;
        if (found > count) problems.push(`${this.nameOf(id)}: ${found} times ${what}`);
      }
      const times = reminderTimes(streams, id);
      for (const [index, at] of times.entries()) {
        const before = times[index - 1];
        if (before !== undefined && at - before < SECOND_MS) {
          problems.push(`${this.nameOf(id)}: reminded again after ${at - before} ms`);
        }
      }
    }
    return problems;
  }

  private async beginRetry(client: TaskManager): Promise<void> {
    const id = this.retried;
    await client.createTask('Retry', 'retrying', APP, undefined, {
      id,
      runBy: 'app',
      persistent: true,
      maxRetries: 1,
      retryDelayMs: 300,
    });
    await client.startTask(id);
    await client.failTask(id, 'It broke.');
  }

  private async beginLease(client: TaskManager): Promise<void> {
    const id = this.leased;
    await client.createTask('Lease', 'leasing', APP, undefined, { id, runBy: 'worker' });
    await client.startTask(id, { workerId: 'w1', leaseMs: SECOND_MS });
  }

  private async beginClock(client: TaskManager): Promise<void> {
    await client.createTask('Clock', 'waiting', APP, undefined, {
      id: this.queued,
      runBy: 'worker',
      timeouts: { queueMs: 800 },
    });
  }

  private async ask(
    client: TaskManager,
    id: string,
    { dueInMs, ...request }: Request & { readonly dueInMs?: number },
  ): Promise<void> {
    await client.createTask('Question', 'asking', APP, undefined, { id, runBy: 'app' });
    await client.startTask(id);
    if (dueInMs === undefined) {
      await client.requestApproval(id, request);
      return;
    }
    // The service may have to be started first, which can take longer than the question lasts.
    for (let late = 0; ; late += 1) {
      try {
        await client.requestApproval(id, { ...request, dueAt: Date.now() + dueInMs });
        return;
      } catch (error) {
        if (!isTooLate(error) || late === ASKED_TOO_LATE_LIMIT) throw error;
      }
    }
  }

  /** By type, notices to approvers by kind. */
  private countsOf(streams: Streams, id: string): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { type, data } of streams.get(`task-${id}`) ?? []) {
      const what = type === 'ApproversNotified' ? kindOf(data) : type;
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
    return counts;
  }

  private nameOf(id: string): string {
    const { retried, leased, queued, expiring } = this;
    const names = {
      [retried]: 'retry',
      [leased]: 'lease',
      [queued]: 'clock',
      [expiring]: 'expiry',
    };
    return names[id] ?? 'question';
  }
}

const kindOf = (data: string): string => (JSON.parse(data) as { kind: string }).kind;

const isTooLate = (error: unknown): boolean =>
  error instanceof TaskManagerError &&
  error.code === 'VALIDATION_FAILED' &&
  error.details?.['field'] === 'dueAt';

function reminderTimes(streams: Streams, id: string): number[] {
  return (streams.get(`task-${id}`) ?? [])
    .filter(({ type, data }) => type === 'ApproversNotified' && kindOf(data) === 'reminder')
    .map(({ metadata }) => (JSON.parse(metadata) as { timestamp: number }).timestamp);
}
