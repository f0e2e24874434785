import type { CommandAnswer, CommandRequests } from '@taskmanager/protocol';
import { TaskManagerError } from '../errors.js';
import type { CommandOptions } from '../options.js';
import { insist, type WorkerClient } from './insist.js';
import { newsOfRefusal, type TaskNews, thenOf } from './task-news.js';

/** The commands that only the holder of a lease may send, and what each says beside the lease. */
type Leased =
  | 'update_task_progress'
  | 'renew_lease'
  | 'release_task'
  | 'acknowledge_pause'
  | 'acknowledge_cancel'
  | 'complete_task'
  | 'fail_task'
  | 'request_approval';
type Fields<N extends Leased> = Omit<CommandRequests[N], 'id' | 'workerId' | 'leaseEpoch'>;

export interface LeaseParts {
  readonly client: WorkerClient;
  readonly taskId: string;
  readonly workerId: string;
  readonly leaseEpoch: number | undefined;
  /** How long it lasts, milliseconds. */
  readonly leaseMs: number;
  /** What an answer or a refusal says of the task. */
  readonly hear: (news: TaskNews) => void;
  /** Fires when the worker has ended: nothing is sent again any more. */
  readonly ended: AbortSignal;
}

/** No call takes longer, milliseconds, however long the lease. */
const LONGEST_CALL_MS = 30_000;

/** Sends what is to be said of one task under its lease, and learns from the answers how the task stands. */
export class Lease {
  /** When it was renewed last, on the clock of `performance.now()`: the moment before that was sent. */
  private renewedAt = performance.now();
  private renewing = false;
  /** For one call: what is sent anew after one whose answer was lost has to come within the lease. */
  private readonly timeoutMs: number;

  constructor(private readonly parts: LeaseParts) {
    this.timeoutMs = Math.min(LONGEST_CALL_MS, parts.leaseMs / 3);
  }

  /** Renews it if that was last done before `before`, on the clock of `performance.now()`. */
  renew(before: number): void {
    if (this.renewedAt > before || this.renewing) return;
    this.renewing = true;
    void this.sendRenewing('renew_lease', {}).then(() => {
      this.renewing = false;
    });
  }

  /**
   * Sends what renews the lease by the way. Answers what became of it if that is neither an answer nor how
   * the task stands. Never rejects.
   */
  async sendRenewing<N extends 'renew_lease' | 'update_task_progress'>(
    name: N,
    fields: Fields<N>,
  ): Promise<unknown> {
    const sentAt = performance.now();
    const { timeoutMs } = this;
    try {
      const args = this.withLease<N>(fields);
      this.learn(sentAt, await this.parts.client.command(name, args, { timeoutMs }));
      return undefined;
    } catch (error) {
      return this.isToldBy(error) ? undefined : error;
    }
  }

  /** Keeps a checkpoint with the task, however long the service is away. @throws TaskManagerError */
  async saveCheckpoint(fields: Fields<'renew_lease'>): Promise<void> {
    const sentAt = performance.now();
    this.learn(sentAt, await this.insist('renew_lease', fields));
  }

  /** Until it is decided. @throws TaskManagerError what it was refused with */
  insist<N extends Leased>(
    name: N,
    fields: Fields<N>,
    options: CommandOptions = {},
  ): Promise<CommandAnswer> {
    const { client, ended } = this.parts;
    const limited = { ...options, timeoutMs: options.timeoutMs ?? this.timeoutMs };
    return insist(client, name, this.withLease<N>(fields), ended, limited);
  }

  /** Hears what a refusal says of the task; false when it says nothing of it. */
  isToldBy(error: unknown): error is TaskManagerError {
    const news = error instanceof TaskManagerError ? newsOfRefusal(error) : undefined;
    if (news) this.parts.hear(news);
    return news !== undefined;
  }

  private learn(sentAt: number, { revision, status }: CommandAnswer): void {
    this.renewedAt = Math.max(this.renewedAt, sentAt);
    this.parts.hear({ revision, then: thenOf(status) });
  }

  private withLease<N extends Leased>(fields: Fields<N>): CommandRequests[N] {
    const { taskId: id, workerId, leaseEpoch } = this.parts;
    return { ...fields, id, workerId, leaseEpoch } as unknown as CommandRequests[N];
  }
}
