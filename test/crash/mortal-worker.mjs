/**
 * A worker that is killed, frozen and stopped: WORKER_ID, PORT, LEASE_MS, SHUTDOWN_MS. What it leaves in the log, checkpoints
 * and results, says of itself who made it under which epoch, and where its attempt began; worker-checks.ts
 * reads it again.
 */
import { TaskManager, TaskWorker } from '@taskmanager/client';
import { setTimeout as delay } from 'node:timers/promises';

const { WORKER_ID: workerId, PORT, LEASE_MS, SHUTDOWN_MS } = process.env;
const CHECKPOINT_EVERY = 3;
const SLOTS = { concurrency: 4 };

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const client = await TaskManager.connect({
  transport: 'tcp',
  port: Number(PORT),
  actor: workerId,
  lazy: true,
  timeoutMs: 60_000,
});

/** Takes the steps that are left. */
async function steps(task, step) {
  const { attempt, input, info, checkpoint } = task;
  const from = checkpoint?.n ?? 0;
  const mark = (n) => ({ n, from, attempt, epoch: info.leaseEpoch, workerId });
  for (let n = from; n < input.steps; n++) {
    await step(n, mark);
    task.progress({ completedItems: n + 1, totalItems: input.steps });
  }
  return mark(input.steps);
}

const worker = new TaskWorker(client, {
  workerId,
  leaseMs: Number(LEASE_MS),
  shutdownMs: Number(SHUTDOWN_MS),
  log: quiet,
  onError: (error) => console.error(error),
})
  .handle(
    'with_checkpoints',
    (task) =>
      steps(task, async (n, mark) => {
        if (n > 0 && n % CHECKPOINT_EVERY === 0) await task.saveCheckpoint(mark(n));
        await delay(task.input.stepMs, undefined, { signal: task.signal });
      }),
    SLOTS,
  )
  .handle(
    'with_pause_points',
    (task) =>
      steps(task, async (n, mark) => {
        await task.pausePoint(mark(n));
        await delay(task.input.stepMs);
      }),
    SLOTS,
  )
  // Hears of nothing: its results come late.
  .handle('with_long_sections', (task) => steps(task, () => delay(task.input.stepMs)), SLOTS);

console.log('worker at work');
await worker.run();
await client.close();
