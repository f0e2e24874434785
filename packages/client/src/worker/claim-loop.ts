import { LIMITS, type TaskInfo } from '@taskmanager/protocol';
import { setImmediate as endOfTurn, setTimeout as sleep } from 'node:timers/promises';
import { newId } from '../new-id.js';
import { TaskManagerError } from '../errors.js';
import { isPassing, maybeDone, pauseAfter, type WorkerClient } from './insist.js';
import type { WorkerSettings } from './worker-options.js';

/** How long one claim waits for its first task, milliseconds. */
const CLAIM_WAIT_MS = 25_000;
/** For taking back a waiting claim, milliseconds: a service that is away has forgotten it. */
const TAKE_BACK_MS = 2_000;

export interface ClaimLoopParts {
  readonly client: WorkerClient;
  readonly settings: WorkerSettings;
  readonly taskType: string;
  readonly concurrency: number;
  /** Runs a task that was claimed; resolves when it holds its slot no longer. Must not reject. */
  readonly run: (task: TaskInfo) => Promise<void>;
  /** The client was closed: there is nobody to claim from. Makes `stopping` fire. */
  readonly onClosed: (error: unknown) => void;
  /** Fires when no more is to be claimed. */
  readonly stopping: AbortSignal;
}

/**
 * Keeps the slots of one task type busy: claims as many tasks as there are free slots, waits at the
 * service where there are none, and claims anew as soon as a slot is free.
 */
export class ClaimLoop {
  private free: number;
  private onFree: (() => void) | undefined;
  /** A claim whose answer was lost may have taken tasks: it is sent again before any other. */
  private unsure: string | undefined;

  constructor(private readonly parts: ClaimLoopParts) {
    this.free = parts.concurrency;
    parts.stopping.addEventListener('abort', () => this.onFree?.());
  }

  /** Resolves when it is stopped, and the claim that waited is taken back. Never rejects. */
  async run(): Promise<void> {
    const { stopping } = this.parts;
    for (let failures = 0; !stopping.aborted;) {
      if (this.free <= 0) {
        await this.slotIsFree();
        continue;
      }
      const commandId = this.unsure ?? newId();
      try {
        await this.claim(commandId);
        failures = 0;
      } catch (error) {
        await this.afterFailure(error, failures++);
      }
    }
    if (this.unsure !== undefined) await this.takeBack(this.unsure);
  }

  private async claim(commandId: string): Promise<void> {
    const { client, settings, taskType, stopping } = this.parts;
    const { workerId, leaseMs } = settings;
    const limit = Math.min(this.free, LIMITS.claim);
    const retry = this.unsure !== undefined;
    this.unsure = commandId;
    const { tasks } = await client.command(
      'claim_tasks',
      { workerId, taskTypes: [taskType], limit, leaseMs, waitMs: CLAIM_WAIT_MS },
      { commandId, retry, signal: stopping },
    );
    this.unsure = undefined;
    for (const task of tasks) this.occupy(task);
  }

  /** The same claim once more, without waiting: what it has taken is handed back, and it waits no more. */
  private async takeBack(commandId: string): Promise<void> {
    const { client, settings, taskType } = this.parts;
    const { workerId, leaseMs } = settings;
    try {
      const { tasks } = await client.command(
        'claim_tasks',
        { workerId, taskTypes: [taskType], limit: 1, leaseMs, waitMs: 0 },
        { commandId, retry: true, timeoutMs: TAKE_BACK_MS },
      );
      for (const task of tasks) this.occupy(task);
    } catch (error) {
      settings.log.debug('A waiting claim was not taken back', { taskType, error: String(error) });
    }
  }

  private occupy(task: TaskInfo): void {
    this.free--;
    void this.parts.run(task).then(() => {
      this.free++;
      this.onFree?.();
    });
  }

  private async slotIsFree(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.onFree = resolve;
    });
    this.onFree = undefined;
    // Tasks end together, as their answers come in one message: one claim for all of their slots.
    await endOfTurn();
  }

  private async afterFailure(error: unknown, failures: number): Promise<void> {
    const { settings, taskType, stopping } = this.parts;
    if (!maybeDone(error)) this.unsure = undefined;
    if (stopping.aborted) return;
    if (isClosed(error)) return this.parts.onClosed(error);
    if (isPassing(error))
      settings.log.warn('No tasks can be claimed now', { taskType, error: String(error) });
    else settings.onError(error);
    await sleep(pauseAfter(error, failures), undefined, { signal: stopping }).catch(
      () => undefined,
    );
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof TaskManagerError && error.code === 'CLOSED';
}
