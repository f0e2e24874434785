import type { Json, TaskChange, TaskInfo } from '@taskmanager/protocol';

/** Fields in the order in which they are told; the compiler finds one that is forgotten. */
const FIELDS = Object.keys({
  id: true,
  name: true,
  taskType: true,
  appName: true,
  runBy: true,
  status: true,
  progress: true,
  completedItems: true,
  totalItems: true,
  message: true,
  data: true,
  input: true,
  result: true,
  error: true,
  retryCount: true,
  maxRetries: true,
  retryDelayMs: true,
  backoff: true,
  nextRetryAt: true,
  persistent: true,
  priority: true,
  labels: true,
  runAt: true,
  timeouts: true,
  workerId: true,
  attempt: true,
  leaseEpoch: true,
  leaseExpiresAt: true,
  stallCount: true,
  pausedAt: true,
  pauseAcknowledged: true,
  checkpoint: true,
  approval: true,
  cancelAcknowledged: true,
  createdBy: true,
  createdAt: true,
  updatedAt: true,
  startedAt: true,
  completedAt: true,
  revision: true,
  imported: true,
} satisfies Record<keyof TaskInfo, true>) as (keyof TaskInfo)[];

/** Changes in one field that take more room than this, in characters, are looked at once more. */
const LARGE = 16 * 1024;

/**
 * What differs, as deep as both sides are objects, or both are lists; lists item by item. Many changes in
 * one field that would take more room one by one than both its values are told as one, which keeps an
 * answer within twice the task's own size.
 */
export function taskChanges(before: TaskInfo, after: TaskInfo): readonly TaskChange[] {
  return FIELDS.flatMap((field) => {
    const [one, other] = [before[field], after[field]] as [Json | undefined, Json | undefined];
    const changes = [...changesBetween(`/${field}`, one, other)];
    const size = sizeOf(changes);
    if (size <= LARGE) return changes;
    const whole = [change(`/${field}`, one, other)];
    return size > sizeOf(whole) ? whole : changes;
  });
}

function* changesBetween(
  path: string,
  before: Json | undefined,
  after: Json | undefined,
): Generator<TaskChange, void> {
  if (before === after) return;
  if (!isBranch(before) || !isBranch(after) || Array.isArray(before) !== Array.isArray(after)) {
    yield change(path, before, after);
    return;
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    yield* changesBetween(`${path}/${escaped(key)}`, own(before, key), own(after, key));
  }
}

interface Branch {
  readonly [key: string]: Json;
}

const isBranch = (value: Json | undefined): value is Branch =>
  typeof value === 'object' && value !== null;

/** JSON may have a key like `constructor` on one side only. */
const own = (branch: Branch, key: string): Json | undefined =>
  Object.hasOwn(branch, key) ? branch[key] : undefined;

/** RFC 6901, section 3. */
const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

const change = (path: string, before: Json | undefined, after: Json | undefined): TaskChange => ({
  path,
  ...(before !== undefined && { before }),
  ...(after !== undefined && { after }),
});

const sizeOf = (changes: readonly TaskChange[]): number => JSON.stringify(changes).length;
