/** Publishing as a package manager does it, every step told to the task service. */
import { TaskManagerError, TaskStatus } from '@taskmanager/client';
import { chunksOf, downloadChunk, fetchManifest, mergeChunks } from './chunks.mjs';

const AT_ONCE = 4;
/** @type {readonly string[]} */
const OVER = [TaskStatus.Completed, TaskStatus.Failed, TaskStatus.Cancelled, TaskStatus.Deleted];

/**
 * @typedef {import('@taskmanager/client').TaskManager} TaskManager
 * @typedef {import('./chunks.mjs').Package} Package
 * @typedef {object} PublishOptions
 * @property {readonly Package[]} packages what to publish
 * @property {readonly string[]} [known] names that are published already and may be depended on
 * @property {string} source base URL of the server that has the packages
 * @property {string} folder where the files are put together
 * @property {string} [appName]
 * @property {(completed: number, total: number, message: string) => void} [onProgress]
 * @property {(taskId: string) => void} [onWaiting] told when somebody has to approve
 */

/**
 * Publishes the packages as one task. What goes wrong with them is told to the service and in the
 * answer; only trouble with the service itself is thrown.
 * @param {TaskManager} client
 * @param {PublishOptions} options
 * @returns {Promise<{ taskId: string, status: string, result?: unknown, error?: string }>}
 */
export async function publishPackages(client, options) {
  const { packages, appName = 'package-manager' } = options;
  const names = packages.map(({ name, version }) => `${name}@${version}`);
  const taskId = await client.createTask(`Publish ${names.join(', ')}`, 'publish', appName, {
    packages: names,
  });
  await client.updateTaskStatus(taskId, TaskStatus.Running);
  try {
    return await publish(client, taskId, options);
  } catch (error) {
    // The service said no: somebody else has ended the task, and there is nothing to add.
    if (error instanceof TaskManagerError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    await client.markTaskAsFailed(taskId, message);
    return { taskId, status: TaskStatus.Failed, error: message };
  }
}

/** @param {TaskManager} client @param {string} taskId @param {PublishOptions} options */
async function publish(client, taskId, options) {
  const { packages, known = [], source, folder, onProgress, onWaiting } = options;
  checkDependencies(packages, known);

  const manifests = new Map();
  for (const { name } of packages) manifests.set(name, await fetchManifest(source, name));
  const chunks = packages.flatMap(({ name }) => chunksOf(name, manifests.get(name)));
  const names = packages.map(({ name, version }) => `${name}@${version}`);
  await client.updateTaskData(taskId, { packages: names, chunks });

  let completed = 0;
  await inParallel(chunks, async (chunk) => {
    await downloadChunk(source, chunk, folder);
    completed++;
    const message = `${chunk.package}, chunk ${chunk.number}`;
    onProgress?.(completed, chunks.length, message);
    // Paused? Then this resolves when somebody resumes the task, and the next chunk waits for it.
    await client.updateTaskProgress(taskId, completed, chunks.length, {
      message,
      whilePaused: 'wait',
    });
  });

  const decision = await approval(client, taskId, () => onWaiting?.(taskId));
  if (decision.status !== TaskStatus.Running) {
    return { taskId, status: decision.status, error: decision.error };
  }
  const files = [];
  for (const { name } of packages) files.push(await mergeChunks(name, manifests.get(name), folder));
  await client.completeTask(taskId, { result: { files } });
  return { taskId, status: TaskStatus.Completed, result: { files } };
}

/** @param {readonly Package[]} packages @param {readonly string[]} known */
function checkDependencies(packages, known) {
  const names = new Set([...known, ...packages.map(({ name }) => name)]);
  for (const { name, dependencies } of packages) {
    const missing = dependencies.find((dependency) => !names.has(dependency));
    if (missing) throw new Error(`package ${name} depends on ${missing}, which is not known`);
  }
}

/**
 * Asks for approval and waits for whatever ends the waiting.
 * @param {TaskManager} client @param {string} taskId @param {() => void} onWaiting
 * @returns {Promise<{ status: string, error?: string }>}
 */
async function approval(client, taskId, onWaiting) {
  /** @type {(decision: { status: string, error?: string }) => void} */
  let decide = () => {};
  /** @type {Promise<{ status: string, error?: string }>} */
  const decided = new Promise((resolve) => (decide = resolve));
  const removeListener = await client.addTaskEventListener((event, data) => {
    const over = OVER.includes(data.status) && event !== 'task_error_updated';
    if (data.taskId !== taskId || !(over || data.event === 'approved')) return;
    decide({
      status: data.status,
      error: typeof data.error === 'string' ? data.error : undefined,
    });
  });
  try {
    await client.markTaskAsWaitingForApproval(taskId, { comment: 'All chunks are here and whole' });
    onWaiting();
    return await decided;
  } finally {
    removeListener();
  }
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<void>} work
 */
async function inParallel(items, work) {
  const queue = items.values();
  let failed = false;
  const worker = async () => {
    for (const item of queue) {
      if (failed) return;
      await work(item).catch((error) => {
        failed = true;
        throw error;
      });
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  const broken = ends.find((end) => end.status === 'rejected');
  if (broken) throw broken.reason;
}
