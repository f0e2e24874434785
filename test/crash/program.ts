import { randomUUID } from 'node:crypto';
import type { CommandName, TaskStatus } from '@taskmanager/client';
import type { Random } from './random.js';
import { APP, type DrivenTask, type Sender } from './sender.js';

export const newTask = (): DrivenTask => ({
  id: randomUUID(),
  status: 'pending',
  revision: -1,
  completed: 0,
});

/** Tasks that any program may take up. */
export interface TaskPool {
  readonly idle: DrivenTask[];
  /** One for each client that coalesces; see `countUp`. */
  readonly counting: DrivenTask[];
  readonly driven: DrivenTask[];
}

/** Only these are paused by the filter command, so that not all of the load stands still. */
const TYPES = ['steady', 'steady', 'often_paused', 'bulky'] as const;

type Weights = Readonly<Partial<Record<CommandName, number>>>;

/** What a program does next, by the status that it believes in. */
const HABITS: Readonly<Record<TaskStatus, Weights>> = {
  pending: {
    start_task: 8,
    update_task_status: 3,
    pause_task: 1,
    update_task_data: 1,
    cancel_task: 0.3,
    fail_task: 0.5,
  },
  running: {
    update_task_progress: 10,
    update_task_data: 3,
    update_task_error: 1,
    pause_task: 3,
    request_approval: 3,
    complete_task: 2,
    fail_task: 2,
    cancel_task: 0.5,
    update_task_status: 1,
  },
  paused: {
    resume_task: 8,
    update_task_status: 1,
    acknowledge_pause: 1,
    update_task_progress: 1,
    delete_task: 0.3,
  },
  waiting_for_approval: { approve_task: 6, reject_task: 2, update_task_data: 1, complete_task: 1 },
  failed: { retry_task: 6, delete_task: 2, update_task_error: 1 },
  completed: { delete_task: 3, update_task_error: 1 },
  cancelled: { delete_task: 3, acknowledge_cancel: 1 },
  deleted: { acknowledge_cancel: 1 },
};
/** Sometimes a program is wrong about its task. */
const MISTAKES: Weights = { resume_task: 1, approve_task: 1, retry_task: 1, complete_task: 1 };
const OVER: readonly TaskStatus[] = ['completed', 'cancelled', 'deleted'];
const MOST_STEPS = 60;
/** At a time; a task remembers its last 100 commands. */
const COUNTS = 80;
const MANY = 1_000_000;

/** Short of a snapshot: it comes under load, and what follows a kill begins from it. */
const COUNTS_BEFORE = 240;

/** Makes a task with a long stream, or knows it from an earlier round. */
export async function makeLong(task: DrivenTask, sender: Sender): Promise<void> {
  if (task.revision >= 0) return;
  const { id } = task;
  await sender.send(task, 'create_task', { id, name: 'Count', taskType: 'counting', appName: APP });
  await sender.send(task, 'start_task', { id });
  while (task.revision < COUNTS_BEFORE) await countOn(task, sender);
}

/**
 * Counts up one task without an end, round after round. Like the other programs it always has commands
 * in flight.
 */
export async function countUp(
  task: DrivenTask,
  sender: Sender,
  isOver: () => boolean,
): Promise<void> {
  await sender.send(task, 'start_task', { id: task.id });
  while (!isOver()) await countOn(task, sender);
}

async function countOn(task: DrivenTask, sender: Sender): Promise<void> {
  const counts = Array.from({ length: COUNTS }, () => ++task.completed);
  await Promise.all(
    counts.map((completedItems) =>
      sender.send(task, 'update_task_progress', { id: task.id, completedItems, totalItems: MANY }),
    ),
  );
}

/**
 * One of many that load the service at a time: it drives one task after the other, each step sent when
 * the one before is answered, so that it always has at least one command in flight.
 */
export class Program {
  private task!: DrivenTask;
  private steps = 0;

  constructor(
    private readonly random: Random,
    private readonly sender: Sender,
    private readonly pool: TaskPool,
  ) {}

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      if (this.isDone()) await this.nextTask();
      else await this.step();
    }
    if (this.task) this.pool.idle.push(this.task);
  }

  private isDone(): boolean {
    if (!this.task || this.steps >= MOST_STEPS) return true;
    return OVER.includes(this.task.status) && this.random.chance(0.5);
  }

  private async nextTask(): Promise<void> {
    const { random, pool } = this;
    if (this.task) pool.idle.push(this.task);
    this.steps = 0;
    const how = random.weighted({ create: 6, idle: 3, shared: 1 });
    if (how === 'idle' && pool.idle.length > 0) {
      this.task = pool.idle.splice(random.int(0, pool.idle.length - 1), 1)[0]!;
    } else if (how === 'shared' && pool.driven.length > 0) {
      this.task = random.pick(pool.driven);
    } else {
      await this.create();
    }
  }

  private async create(): Promise<void> {
    this.task = newTask();
    this.pool.driven.push(this.task);
    if (this.pool.driven.length > 64) this.pool.driven.shift();
    if (!this.random.chance(0.3)) {
      await this.sender.send(this.task, 'create_task', this.creation());
      return;
    }
    const { id } = this.task;
    await this.sender.sendBatch(this.task, [
      ['create_task', this.creation()],
      ['start_task', { id }],
      ['update_task_progress', { id, completedItems: ++this.task.completed, totalItems: 1_000 }],
    ]);
  }

  private creation() {
    const taskType = this.random.pick(TYPES);
    return {
      id: this.task.id,
      name: `A task of ${this.sender.actor}`,
      taskType,
      appName: APP,
      maxRetries: 1_000,
      ...(this.random.chance(0.3) && { labels: { by: this.sender.actor } }),
      ...(this.random.chance(0.3) && { input: this.payload() }),
      priority: this.random.int(0, 3),
    };
  }

  private async step(): Promise<void> {
    this.steps++;
    const how = this.random.weighted({ one: 12, burst: 3, batch: 2, filter: 0.1 });
    const count = how === 'one' ? 1 : this.random.int(2, 6);
    const { sender, task } = this;
    switch (how) {
      case 'one':
        return sender.send(task, ...this.nextCommand());
      case 'burst':
        // Made in one turn: a client that coalesces sends them in one message.
        await Promise.all(
          Array.from({ length: count }, () => sender.send(task, ...this.nextCommand())),
        );
        return;
      case 'batch':
        return sender.sendBatch(
          task,
          Array.from({ length: count }, () => this.nextCommand()),
        );
      case 'filter':
        return sender.pauseAll('often_paused');
    }
  }

  private nextCommand(): [CommandName, object] {
    const { random, task } = this;
    const name = random.weighted(random.chance(0.03) ? MISTAKES : HABITS[task.status]);
    return [name, { id: task.id, ...this.fieldsOf(name) }];
  }

  private fieldsOf(name: CommandName): object {
    const { random, task } = this;
    const fields: Partial<Record<CommandName, () => object>> = {
      update_task_progress: () => ({
        completedItems: Math.min(1_000, ++task.completed),
        totalItems: 1_000,
      }),
      update_task_data: () => ({ data: this.payload() }),
      update_task_error: () => ({ error: `Trouble number ${random.int(1, 1_000)}` }),
      fail_task: () => ({ error: `Trouble number ${random.int(1, 1_000)}` }),
      update_task_status: () => ({ status: random.pick(['running', 'paused']) }),
      request_approval: () => ({
        quorum: random.chance(0.8) ? 1 : 2,
        onApproved: random.pick(['resume', 'complete']),
      }),
      reject_task: () => ({ reason: 'Not like this' }),
      complete_task: () => ({ result: this.payload() }),
    };
    return fields[name]?.() ?? {};
  }

  private payload() {
    const { random } = this;
    const length = random.chance(0.05) ? random.int(5_000, 40_000) : random.int(1, 200);
    return { text: 'é'.repeat(length), number: random.int(0, 1_000_000), list: [null, true, 0.5] };
  }
}
