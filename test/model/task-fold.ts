/**
 * A second reading of stored events, written from the design's table of events alone: what the service
 * shows of a task must equal what this fold makes of its stream, and every stream's hashes must be those
 * that `verifyChain` works out. Nothing here is shared with the code that it judges.
 */
import { createHash } from 'node:crypto';
import type { Actor, Approval, Json, TaskInfo } from '@taskmanager/protocol';

/** An event as any log gives it back: `data` and `metadata` are the JSON texts that were stored. */
export interface StoredText {
  /** Without a log's prefix: `task-<id>`, `refused-<id>`. */
  readonly stream: string;
  readonly revision: bigint | number;
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

/** The same, read: what the fold needs of it. */
export interface Fact {
  readonly type: string;
  readonly revision: number;
  readonly data: Readonly<Record<string, Json>>;
  readonly metadata: { readonly timestamp: number; readonly actor: Actor };
}

export type Draft<T> = { -readonly [Key in keyof T]: T[Key] };

export function readFact(text: StoredText): Fact {
  return {
    type: text.type,
    revision: Number(text.revision),
    data: JSON.parse(text.data) as Fact['data'],
    metadata: JSON.parse(text.metadata) as Fact['metadata'],
  };
}

/** What the fold must know beside what it shows. */
export interface Fold {
  readonly info: TaskInfo;
  /** A worker holds the task under a lease. */
  readonly leased: boolean;
  /** Where a resume leads; only while paused. */
  readonly resumesTo?: 'pending' | 'running';
}

/** The task as its stream tells it; undefined for an empty stream. A deleted one says `deleted`. */
export function foldStored(events: readonly StoredText[]): TaskInfo | undefined {
  let fold: Fold | undefined;
  for (const text of events) {
    fold = foldFact(fold, text.stream.slice('task-'.length), readFact(text));
  }
  return fold?.info;
}

/** One step of the fold. Throws on a first event that is no creation. */
export function foldFact(before: Fold | undefined, id: string, fact: Fact): Fold {
  const { timestamp, actor } = fact.metadata;
  if (!before) {
    if (fact.type !== 'TaskCreated') throw new Error(`${id} begins with ${fact.type}.`);
    return { info: created(id, fact), leased: false };
  }
  const task: Draft<TaskInfo> = { ...before.info, updatedAt: timestamp, revision: fact.revision };
  let { leased, resumesTo } = before;
  const endLease = () => {
    leased = false;
    // Worker and epoch stay: they say whose lease was the last, and which.
    delete task.leaseExpiresAt;
  };
  const endPause = () => {
    resumesTo = undefined;
    delete task.pausedAt;
    delete task.pauseAcknowledged;
  };
  const end = ({ forGood }: { forGood: boolean }) => {
    // A failure that will be retried is not the end.
    if (forGood) task.completedAt = timestamp;
    endLease();
    endPause();
    if (task.approval?.outcome === 'waiting') {
      task.approval = { ...task.approval, outcome: 'withdrawn' };
    }
  };
  // What an event carries; each case below reads only what the design's table says is there.
  const data = fact.data as Record<string, never>;

  switch (fact.type) {
    case 'TaskStarted':
      task.status = 'running';
      task.attempt = data['attempt']!;
      task.startedAt = timestamp;
      put(task, 'workerId', data['workerId']);
      if (data['leaseEpoch'] !== undefined) {
        leased = true;
        task.leaseEpoch = data['leaseEpoch'];
        put(task, 'leaseExpiresAt', data['leaseExpiresAt']);
      }
      break;
    case 'ProgressUpdated':
      task.progress = data['progress']!;
      // What it does not carry stays as it was last reported.
      for (const key of ['completedItems', 'totalItems', 'message', 'leaseExpiresAt'] as const) {
        if (data[key] !== undefined) put(task, key, data[key]);
      }
      break;
    case 'TaskDataUpdated':
      put(task, 'data', data['data']);
      break;
    case 'TaskErrorRecorded':
      task.error = data['error']!;
      break;
    case 'TaskLeaseRenewed':
      task.leaseExpiresAt = data['leaseExpiresAt']!;
      keepCheckpoint(task, data);
      break;
    case 'TaskLeaseExpired':
      task.stallCount = data['stallCount']!;
      if (task.status === 'running') task.status = 'pending';
      else {
        // Its runner is gone: nobody is left who would have to stop.
        resumesTo = 'pending';
        task.pauseAcknowledged = true;
      }
      endLease();
      break;
    case 'TaskReleased':
      task.status = 'pending';
      keepCheckpoint(task, data);
      endLease();
      break;
    case 'TaskPaused':
      resumesTo = data['statusBefore']!;
      task.status = 'paused';
      task.pausedAt = timestamp;
      // Nobody runs a pending task: there is nobody who would have to stop.
      task.pauseAcknowledged = resumesTo === 'pending';
      break;
    case 'TaskPauseAcknowledged':
      task.pauseAcknowledged = true;
      keepCheckpoint(task, data);
      if (leased) resumesTo = 'pending';
      endLease();
      break;
    case 'TaskResumed':
      if (!resumesTo) throw new Error(`${id} was resumed without having been paused.`);
      task.status = resumesTo;
      endPause();
      break;
    case 'TaskApprovalRequested':
      task.status = 'waiting_for_approval';
      task.approval = asked(fact);
      endPause();
      endLease();
      break;
    case 'ApproversNotified':
      break;
    case 'TaskApprovalGiven':
      task.approval = {
        ...approvalOf(task),
        votes: [
          ...approvalOf(task).votes,
          {
            by: data['by']!,
            at: timestamp,
            ...(data['comment'] === undefined ? {} : { comment: data['comment'] }),
          },
        ],
      };
      break;
    case 'TaskApproved':
      task.status = data['resumesTo']!;
      task.approval = { ...approvalOf(task), outcome: 'approved' };
      break;
    case 'TaskRejected':
      task.approval = {
        ...approvalOf(task),
        outcome: 'rejected',
        rejectedBy: data['by']!,
        rejectedReason: data['reason']!,
      };
      break;
    case 'TaskApprovalExpired':
      task.approval = { ...approvalOf(task), outcome: 'expired' };
      break;
    case 'TaskCompleted':
      task.status = 'completed';
      task.progress = 100;
      put(task, 'result', data['result']);
      end({ forGood: true });
      break;
    case 'TaskFailed':
      task.status = 'failed';
      task.error = data['error']!;
      end({ forGood: data['willRetry'] !== true });
      break;
    case 'TaskRetryScheduled':
      task.nextRetryAt = data['dueAt']!;
      break;
    case 'TaskRetried':
      task.status = 'pending';
      task.retryCount = data['retryCount']!;
      task.stallCount = 0;
      task.progress = 0;
      for (const key of RETRY_CLEARS) delete task[key];
      break;
    case 'TaskCancelled':
      // Only where somebody worked is there an acknowledgement to wait for.
      if (isWorkedOn(before.info)) task.cancelAcknowledged = false;
      task.status = 'cancelled';
      delete task.nextRetryAt;
      end({ forGood: true });
      break;
    case 'TaskCancelAcknowledged':
      task.cancelAcknowledged = true;
      break;
    case 'TaskDeleted':
      task.status = 'deleted';
      break;
    default:
      throw new Error(`${fact.type} by ${actor.id} is no event of the design.`);
  }
  // Nobody runs a pending task.
  if (task.status === 'pending') delete task.workerId;
  return { info: task, leased, ...(resumesTo ? { resumesTo } : {}) };
}

/** Running, or paused and its runner has not yet said that it stopped. */
export const isWorkedOn = ({ status, pauseAcknowledged }: TaskInfo): boolean =>
  status === 'running' || (status === 'paused' && !pauseAcknowledged);

const RETRY_CLEARS = [
  'error',
  'nextRetryAt',
  'completedAt',
  'completedItems',
  'totalItems',
  'message',
] as const;

function created(id: string, { data, metadata, revision }: Fact): TaskInfo {
  const given = data as unknown as TaskInfo;
  const task: Draft<TaskInfo> = {
    id,
    name: given.name,
    taskType: given.taskType,
    appName: given.appName,
    runBy: given.runBy,
    status: 'pending',
    progress: 0,
    retryCount: 0,
    maxRetries: given.maxRetries,
    retryDelayMs: given.retryDelayMs,
    backoff: given.backoff,
    persistent: given.persistent,
    priority: given.priority,
    labels: given.labels,
    attempt: 0,
    stallCount: 0,
    createdBy: metadata.actor,
    createdAt: metadata.timestamp,
    updatedAt: metadata.timestamp,
    revision,
  };
  for (const key of ['data', 'input', 'runAt', 'timeouts'] as const) put(task, key, given[key]);
  return task;
}

function asked({ data, metadata }: Fact): Approval {
  const given = data as unknown as Approval & { result?: Json };
  const approval: Draft<Approval> = {
    requestedBy: metadata.actor.id,
    requestedAt: metadata.timestamp,
    approvers: given.approvers,
    quorum: given.quorum,
    allowSelf: given.allowSelf,
    onApproved: given.onApproved,
    votes: [],
    outcome: 'waiting',
  };
  for (const key of OPTIONAL_OF_APPROVAL) put(approval, key, given[key]);
  return approval;
}

const OPTIONAL_OF_APPROVAL = [
  'dueAt',
  'remindEveryMs',
  'escalateTo',
  'escalateAfterMs',
  'comment',
] as const;

function approvalOf(task: TaskInfo): Approval {
  if (!task.approval) throw new Error(`${task.id} has no approval request to go on with.`);
  return task.approval;
}

/** Sets a field, or takes it away: an absent field and one that is undefined are told apart by tests. */
function put<T extends object, Key extends keyof T>(
  target: T,
  key: Key,
  value: T[Key] | undefined,
) {
  if (value === undefined) delete target[key];
  else target[key] = value;
}

function keepCheckpoint(task: Draft<TaskInfo>, data: Record<string, Json | undefined>): void {
  if (data['checkpoint'] !== undefined) task.checkpoint = data['checkpoint'];
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/**
 * What is wrong with the hashes of one whole stream, in words; an empty list when nothing is. Each
 * event's hash is SHA-256 over the hash before (32 zero bytes at first) and then, each after its length
 * in bytes: stream, revision, event id, type, version, data, metadata without the hash.
 */
export function verifyChain(events: readonly StoredText[]): string[] {
  const problems: string[] = [];
  let previous: Buffer = Buffer.alloc(32);
  events.forEach((event, index) => {
    const here = `${event.stream} revision ${event.revision} (${event.type})`;
    if (Number(event.revision) !== index) problems.push(`${here}: revision ${index} is due.`);
    const { hash, ...metadata } = JSON.parse(event.metadata) as { hash: string; version: number };
    const digest = createHash('sha256').update(previous);
    for (const field of [
      event.stream,
      event.revision.toString(),
      event.id,
      event.type,
      metadata.version.toString(),
      event.data,
      JSON.stringify(metadata),
    ]) {
      const bytes = Buffer.from(field, 'utf8');
      digest.update(uint32(bytes.length)).update(bytes);
    }
    const due = digest.digest();
    if (hash !== due.toString('hex'))
      problems.push(`${here}: hash ${hash}, due ${due.toString('hex')}.`);
    previous = due;
  });
  return problems;
}
