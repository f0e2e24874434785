/**
 * Lives of tasks by chance, for tests that want real histories of every kind: many commands through the
 * client, whether they are allowed or not. What is refused leaves nothing but, perhaps, a refusal.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandName, type TaskManager, TaskManagerError } from '@taskmanager/client';
import type { Random } from '../crash/random.js';

const WORDS = ['no disk', 'timeout', 'ünïcödé ✓', 'a/b~c'];

/** Commands about a task in one status or another, as often as they should be tried. */
const WEIGHTS = {
  update_task_progress: 20,
  start_task: 14,
  pause_task: 6,
  resume_task: 10,
  update_task_data: 8,
  update_task_error: 3,
  fail_task: 4,
  retry_task: 10,
  request_approval: 5,
  approve_task: 8,
  reject_task: 0.5,
  renew_lease: 6,
  release_task: 3,
  acknowledge_pause: 4,
  complete_task: 0.5,
  cancel_task: 0.3,
  acknowledge_cancel: 1,
  delete_task: 0.3,
} satisfies Partial<Record<CommandName, number>>;

/**
 * Makes tasks and sends each its commands, tasks in turn, so that the log has them interleaved. Resolves
 * when the sagas have done their part, too: nothing more is appended by itself.
 * @param admin may ask how the sagas are doing
 * @param clients who sends them, by chance
 * @returns the ids of the tasks
 */
export async function liveByChance(
  admin: TaskManager,
  clients: readonly TaskManager[],
  random: Random,
  { tasks, commands }: { readonly tasks: number; readonly commands: number },
): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < tasks; n++) {
    ids.push(
      await random.pick(clients).createTask(`task ${n}`, 'publish', 'app', payload(random), {
        runBy: random.pick(['app', 'worker']),
        persistent: random.chance(0.3),
        maxRetries: random.int(0, 4),
        // Nothing is retried by itself while the test looks.
        retryDelayMs: 3_600_000,
        priority: random.int(-2, 2),
        labels: { team: random.pick(WORDS) },
        ...(random.chance(0.3) && { timeouts: { totalMs: 3_600_000, runMs: 1_800_000 } }),
      }),
    );
  }
  for (let n = 0; n < commands; n++) {
    await Promise.all(ids.map((id) => oneCommand(random.pick(clients), random, id)));
  }
  await whenQuiet(admin);
  return ids;
}

async function whenQuiet(client: TaskManager): Promise<void> {
  for (let quietAt: string | undefined; ;) {
    const { processors, head } = await client.admin.listProcessors();
    const sagas = processors.filter(({ kind }) => kind === 'saga');
    const isQuiet = sagas.every(({ position }) => position === head);
    // What they did last may have been appended since the head was read.
    if (isQuiet && quietAt === head) return;
    quietAt = isQuiet ? head : undefined;
    await sleep(10);
  }
}

async function oneCommand(client: TaskManager, random: Random, id: string): Promise<void> {
  const name = random.weighted(WEIGHTS);
  const lease = { workerId: 'w1', leaseEpoch: random.int(1, 3) };
  const fields: Readonly<Record<string, object>> = {
    update_task_progress: {
      ...random.pick([{ completedItems: random.int(0, 9), totalItems: 10 }, { progress: 55.5 }]),
      ...(random.chance(0.5) && { message: random.pick(WORDS) }),
      ...(random.chance(0.5) && lease),
    },
    start_task: random.chance(0.5) ? { workerId: 'w1', leaseMs: 600_000 } : {},
    pause_task: { reason: random.pick(WORDS) },
    update_task_data: { data: payload(random), ...(random.chance(0.5) && lease) },
    update_task_error: { error: random.pick(WORDS) },
    fail_task: { error: random.pick(WORDS), retryable: random.chance(0.7) },
    request_approval: {
      quorum: random.int(1, 2),
      onApproved: random.pick(['resume', 'complete']),
      ...(random.chance(0.3) && { result: payload(random) }),
      ...(random.chance(0.5) && lease),
    },
    approve_task: { comment: random.pick(WORDS) },
    reject_task: { reason: random.pick(WORDS) },
    renew_lease: { ...lease, checkpoint: payload(random) },
    release_task: { ...lease, checkpoint: payload(random) },
    acknowledge_pause: random.chance(0.5) ? { ...lease, checkpoint: payload(random) } : {},
    complete_task: { result: payload(random), ...(random.chance(0.5) && lease) },
    acknowledge_cancel: random.chance(0.5) ? lease : {},
  };
  const args = { id, ...fields[name] } as never;
  await client.command(name, args).catch((error: unknown) => {
    if (!(error instanceof TaskManagerError)) throw error;
  });
}

function payload(random: Random): Json {
  return random.pick<Json>([
    null,
    random.int(0, 9),
    [1, random.int(0, 3), { a: null }],
    { amount: random.int(0, 3), 'a/b': { '~': [random.int(0, 2), 'é'] }, gone: random.chance(0.5) },
    {},
  ]);
}

type Json = Parameters<TaskManager['updateTaskData']>[1];
