/** What the state of a task can hold that this service has led there, event by event. Pure. */
import { LIMITS, RUN_BY, TASK_STATUSES, TASK_TYPE_PATTERN } from '@taskmanager/protocol';
import type { TaskCreatedData } from '../../events/index.js';
import type { ApprovalState, Task } from '../../task/index.js';

type Rule = (value: unknown) => boolean;
type Shape<T> = { readonly [Field in keyof Required<T>]: Rule };

/** Deeper than any payload that a command takes, with the event around it. */
const MAX_DEPTH = 104;
/** Payloads, labels and texts of one event come to less; in bytes of its JSON text. */
const MAX_EVENT_BYTES = LIMITS.requestBytes / 2;
/** The last moment that a Date can tell. */
const LAST_MS = 8.64e15;
/** An error may quote a reason, each of which has its own limit. */
const TEXT_BYTES = 2 * LIMITS.textBytes;

const flag: Rule = (value) => typeof value === 'boolean';
const whole: Rule = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const isTime: Rule = (value) => whole(value) && (value as number) <= LAST_MS;
const integer: Rule = (value) => Number.isSafeInteger(value);
const duration: Rule = (value) => whole(value) && (value as number) <= LIMITS.durationMs;
const oneOf =
  (...values: readonly unknown[]): Rule =>
  (value) =>
    values.includes(value);
const name =
  (most: number): Rule =>
  (value) =>
    typeof value === 'string' && value.length > 0 && value.length <= most;
const text: Rule = (value) => typeof value === 'string' && Buffer.byteLength(value) <= TEXT_BYTES;
const payload: Rule = (value) =>
  value !== undefined && Buffer.byteLength(JSON.stringify(value)) <= LIMITS.payloadBytes;
const percent: Rule = (value) => typeof value === 'number' && value >= 0 && value <= 100;
const maybe =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined || rule(value);
const list =
  (rule: Rule, most: number): Rule =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(rule);
const record =
  (rule: (key: string, value: unknown) => boolean, most: number): Rule =>
  (value) =>
    isRecord(value) &&
    Object.keys(value).length <= most &&
    Object.entries(value).every(([key, each]) => rule(key, each));
const shaped =
  <T>(shape: Shape<T>): Rule =>
  (value) =>
    isRecord(value) && oddFieldOf(shape, value, {}) === undefined;

const actorId = name(LIMITS.actorIdLength);
const label = (each: unknown): boolean =>
  typeof each === 'string' && each.length <= LIMITS.labelLength;
const clocks = (...keys: readonly string[]): Rule =>
  record((key, value) => keys.includes(key) && integer(value), keys.length);

const APPROVAL: Shape<ApprovalState> = {
  requestedBy: text,
  requestedAt: isTime,
  approvers: list(actorId, LIMITS.approvers),
  quorum: whole,
  allowSelf: flag,
  dueAt: maybe(isTime),
  remindEveryMs: maybe(duration),
  escalateTo: maybe(list(actorId, LIMITS.approvers)),
  escalateAfterMs: maybe(duration),
  onApproved: oneOf('resume', 'complete'),
  comment: maybe(text),
  votes: list(shaped({ by: text, at: isTime, comment: maybe(text) }), LIMITS.approvers),
  outcome: oneOf('waiting', 'approved', 'rejected', 'expired', 'withdrawn'),
  rejectedBy: maybe(text),
  rejectedReason: maybe(text),
  askedByWorker: flag,
  announced: flag,
  remindedAt: maybe(isTime),
  escalated: flag,
  result: maybe(payload),
};

const TASK: Shape<Task> = {
  id: text,
  name: name(LIMITS.nameLength),
  taskType: (value) => typeof value === 'string' && TASK_TYPE_PATTERN.test(value),
  appName: name(LIMITS.appNameLength),
  runBy: oneOf(...RUN_BY),
  status: oneOf(...TASK_STATUSES),
  progress: percent,
  completedItems: maybe(whole),
  totalItems: maybe(whole),
  message: maybe(text),
  data: maybe(payload),
  input: maybe(payload),
  result: maybe(payload),
  error: maybe(text),
  retryCount: whole,
  maxRetries: whole,
  retryDelayMs: duration,
  backoff: shaped({ type: oneOf('fixed', 'exponential'), maxDelayMs: maybe(duration) }),
  nextRetryAt: maybe(isTime),
  persistent: flag,
  priority: integer,
  labels: record((key, value) => label(key) && label(value), LIMITS.labels),
  runAt: maybe(isTime),
  timeouts: maybe(clocks('queueMs', 'runMs', 'totalMs')),
  workerId: maybe(actorId),
  attempt: whole,
  leaseEpoch: maybe(whole),
  leaseExpiresAt: maybe(isTime),
  stallCount: whole,
  pausedAt: maybe(isTime),
  pauseAcknowledged: maybe(flag),
  checkpoint: maybe(payload),
  approval: maybe(shaped(APPROVAL)),
  cancelAcknowledged: maybe(flag),
  createdBy: isRecord,
  createdAt: isTime,
  updatedAt: isTime,
  startedAt: maybe(isTime),
  completedAt: maybe(isTime),
  revision: whole,
  imported: oneOf(undefined),
  leased: flag,
  leaseUsed: flag,
  leaseMs: maybe(integer),
  claimId: maybe(text),
  cancelledEpoch: maybe(whole),
  idempotencyKey: maybe(name(LIMITS.actorIdLength)),
  deadlines: clocks('queueDueAt', 'runDueAt', 'totalDueAt'),
  remaining: clocks('queueMs', 'runMs', 'totalMs'),
  statusBefore: maybe(oneOf('pending', 'running')),
  progressReported: flag,
  willRetry: flag,
  failedRevision: maybe(whole),
};

/** The first field that no event of this service would have left so; what was so before is not looked at. */
export const oddFieldOfTask = (task: Task, before: Task | undefined): string | undefined =>
  oddFieldOf(TASK, task, before ?? {});

const CREATION: { readonly [Field in keyof Required<TaskCreatedData>]: true } = {
  ...{ name: true, taskType: true, appName: true, runBy: true, data: true, input: true },
  ...{ persistent: true, maxRetries: true, retryDelayMs: true, backoff: true, priority: true },
  ...{ labels: true, timeouts: true, runAt: true, idempotencyKey: true },
};

/** The first field that no TaskCreated has: it would go into the task as it is, whatever its name. */
export const extraFieldOf = (created: TaskCreatedData): string | undefined =>
  Object.keys(created).find((field) => !Object.hasOwn(CREATION, field));

/** Whether the event's data and metadata are no larger and no deeper than those of any event are. */
export function isOfSize(data: string, metadata: string, ...parsed: readonly object[]): boolean {
  return (
    Buffer.byteLength(data) + Buffer.byteLength(metadata) <= MAX_EVENT_BYTES &&
    parsed.every((value) => isShallow(value, MAX_DEPTH))
  );
}

function oddFieldOf<T>(shape: Shape<T>, value: object, before: object): string | undefined {
  const [fields, known] = [value, before] as readonly Readonly<Record<string, unknown>>[];
  const rules = Object.entries<Rule>(shape);
  return (
    rules.find(([field, rule]) => {
      const found = fields?.[field];
      return !(known && field in known && known[field] === found) && !rule(found);
    })?.[0] ?? Object.keys(value).find((field) => !Object.hasOwn(shape, field))
  );
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((item) => isShallow(item, depth - 1));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
