import { setTimeout as delay } from 'node:timers/promises';
import { type TaskInfo, type TaskManager, TaskManagerError } from '@taskmanager/client';
import type { Random } from './random.js';

/** More than the workers can hold, so that some always wait. */
const OPEN_TASKS = 48;
const OPEN_STATUSES = ['pending', 'running', 'paused'] as const;
/** What people may come too late for. */
const TOO_LATE = new Set(['INVALID_TRANSITION', 'TASK_NOT_FOUND']);
const DRAIN_MS = 120_000;

export interface LoadFigures {
  created: number;
  pauses: number;
  resumes: number;
  cancels: number;
}

/** A client that creates tasks for workers, and people who pause, resume and cancel them. */
export class WorkerLoad {
  readonly figures: LoadFigures = { created: 0, pauses: 0, resumes: 0, cancels: 0 };
  private over = false;

  constructor(
    private readonly client: TaskManager,
    private readonly random: Random,
  ) {}

  /** Goes on until `end`. */
  async run(): Promise<void> {
    while (!this.over) {
      const open = await this.openTasks();
      if (open.length > 0) await this.meddle(this.random.pick(open).id);
      for (let n = open.length; n < OPEN_TASKS; n++) await this.create();
      await delay(this.random.int(5, 20));
    }
  }

  end(): void {
    this.over = true;
  }

  /** Nobody pauses any more: resolves when no task is left to run. @throws Error when that takes too long */
  async drained(): Promise<void> {
    const deadline = performance.now() + DRAIN_MS;
    for (;;) {
      const tasks = await this.openTasks();
      if (tasks.length === 0) return;
      if (performance.now() > deadline) {
        const left = tasks.map(({ id, taskType, status }) => `${taskType} ${id} ${status}`);
        throw new Error(`${left.length} tasks do not end: ${left.slice(0, 5).join(', ')}`);
      }
      for (const { id, status } of tasks) if (status === 'paused') await this.resume(id);
      await delay(100);
    }
  }

  private async create(): Promise<void> {
    const { random } = this;
    const type = random.pick(['with_checkpoints', 'with_pause_points', 'with_long_sections']);
    const long = type === 'with_long_sections';
    const input = {
      steps: long ? random.int(1, 3) : random.int(4, 20),
      stepMs: long ? random.int(200, 900) : random.int(20, 120),
    };
    await this.client.createTask(type, type, 'crash-test', undefined, {
      runBy: 'worker',
      persistent: random.chance(0.5),
      input,
    });
    this.figures.created++;
  }

  /** Somebody does something with a task, whatever has become of it meanwhile. */
  private async meddle(id: string): Promise<void> {
    const { figures, client } = this;
    switch (this.random.weighted({ pause: 5, resume: 5, cancel: 1 })) {
      case 'pause':
        if (await happened(client.pauseTask(id))) figures.pauses++;
        return;
      case 'resume':
        return this.resume(id);
      case 'cancel':
        if (await happened(client.cancelTask(id))) figures.cancels++;
    }
  }

  private async resume(id: string): Promise<void> {
    if (await happened(this.client.resumeTask(id))) this.figures.resumes++;
  }

  private openTasks(): Promise<readonly TaskInfo[]> {
    return this.client.listTasks({ statuses: OPEN_STATUSES, limit: 500 });
  }
}

async function happened(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof TaskManagerError && TOO_LATE.has(error.code)) return false;
    throw error;
  }
}
