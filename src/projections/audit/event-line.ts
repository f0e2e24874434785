/** What happened, in one line for people: who, what, what changed, from where. Its words may change. */
import type {
  AdminCommandSent,
  AnyImportEvent,
  AnyRefusalEvent,
  AnyTaskEvent,
  AnyTaskTypeEvent,
} from '../../events/index.js';

/** Characters of a line; what is longer ends in `…`. */
export const LINE_LENGTH = 300;
/** Characters of one text that came from outside. */
const TEXT_LENGTH = 160;

type KnownType = (
  AnyTaskEvent | AnyTaskTypeEvent | AnyRefusalEvent | AdminCommandSent | AnyImportEvent
)['type'];
type Fields = Readonly<Record<string, unknown>>;
/** `at`: of the event, epoch milliseconds. */
type Say = (data: Fields, at: unknown) => string;

/** What each event says, after who did it. A type without a line does not compile. */
const LINES: Readonly<Record<KnownType, Say>> = {
  TaskCreated: ({ name, taskType, runBy }) =>
    `created ${quoted(name)}, a ${text(taskType)} that ${runBy === 'worker' ? 'a worker' : 'its app'} runs`,
  TaskStarted: ({ attempt, workerId, reason }) =>
    `started it${workerId === undefined ? '' : ` for ${text(workerId)}`}${attempt === undefined ? '' : `, attempt ${text(attempt)}`}${because(reason)}`,
  ProgressUpdated: ({ progress, completedItems, totalItems, message }) =>
    `reported ${text(progress)} %${totalItems === undefined ? '' : ` (${text(completedItems)} of ${text(totalItems)})`}${because(message)}`,
  TaskDataUpdated: () => 'replaced its data',
  TaskErrorRecorded: ({ error }) => `noted an error${because(error)}`,
  TaskLeaseRenewed: ({ leaseExpiresAt, checkpoint }, at) =>
    `renewed the lease${span(', for ', leaseExpiresAt, at)}${checkpoint === undefined ? '' : ', with a checkpoint'}`,
  TaskLeaseExpired: ({ workerId, leaseEpoch, stallCount }) =>
    `ended lease ${text(leaseEpoch)}${workerId === undefined ? '' : ` of ${text(workerId)}`}, which was not renewed in time (${text(stallCount)} stalls)`,
  TaskReleased: ({ reason }) => `handed it back${because(reason)}`,
  TaskPaused: ({ reason, statusBefore }) =>
    `paused it${because(reason)}${reason === undefined ? ` (it was ${text(statusBefore)})` : ''}`,
  TaskPauseAcknowledged: () => 'has stopped for the pause',
  TaskResumed: ({ reason }) => `resumed it${because(reason)}`,
  TaskApprovalRequested: ({ approvers, quorum, comment }) =>
    `asked ${Array.isArray(approvers) && approvers.length > 0 ? listed(approvers) : 'anyone'} for approval${quorum === 1 ? '' : ` (${text(quorum)} votes)`}${because(comment)}`,
  ApproversNotified: ({ kind, channel, outcome }) =>
    `told the approvers (${text(kind)}) through ${text(channel)}${because(outcome)}`,
  TaskApprovalGiven: ({ comment }) => `voted for it${because(comment)}`,
  TaskApproved: ({ resumesTo }) => `filled the quorum: approved, ${text(resumesTo)} again`,
  TaskRejected: ({ reason }) => `rejected it${because(reason)}`,
  TaskApprovalExpired: () => 'ended the approval: nobody answered in time',
  TaskCompleted: ({ result }) => `completed it${result === undefined ? '' : ', with a result'}`,
  TaskFailed: ({ error, willRetry }) =>
    `recorded a failure, ${willRetry === true ? 'to be tried again' : 'not to be tried again by itself'}${because(error)}`,
  TaskRetryScheduled: ({ attempt, dueAt }, at) =>
    `scheduled attempt ${typeof attempt === 'number' ? attempt + 1 : text(attempt)}${span(' in ', dueAt, at)}`,
  TaskRetried: ({ retryCount, maxRetries, reason }) =>
    `retried it (${text(retryCount)} of ${text(maxRetries)})${because(reason)}`,
  TaskCancelled: ({ reason }) => `cancelled it${because(reason)}`,
  TaskCancelAcknowledged: () => 'has stopped after the cancellation',
  TaskDeleted: ({ reason }) => `deleted it${because(reason)}`,
  TaskTypePaused: ({ taskType, reason }) => `paused all ${text(taskType)}${because(reason)}`,
  TaskTypeResumed: ({ taskType, reason }) => `resumed all ${text(taskType)}${because(reason)}`,
  TaskTypeLimited: ({ taskType, maxRunning, reason }) =>
    `${maxRunning === null ? `lifted the limit of ${text(taskType)}` : `limited ${text(taskType)} to ${text(maxRunning)} at once`}${because(reason)}`,
  CommandRefused: ({ command, code, reason }) =>
    `was refused ${text(command)}: ${text(code)}${because(reason, ' ')}`,
  AdminCommandSent: ({ command, args, reason }) =>
    `told the service: ${text(command)}${isEmpty(args) ? '' : ` ${text(args)}`}${because(reason)}`,
  TaskImportBegun: ({ taskId, fromLog }) =>
    `began to import task ${text(taskId)} from log ${text(fromLog)}`,
  TaskImported: ({ taskId, fromLog, events, refusals }) =>
    `imported task ${text(taskId)} from log ${text(fromLog)}: ${text(events)} events, ${text(refusals)} refusals`,
  RefusalsOmitted: ({ recorded }) =>
    `sent more: refusals after ${text(recorded)} are in the service's log only`,
};

/** Types that have a line of their own; others get a plain one. */
export const TYPES_WITH_A_LINE: readonly string[] = Object.keys(LINES);

/**
 * Never throws, whatever was stored: an event of a newer release, or one that was tampered with, gets a
 * plain line. What came from outside is cut, and its control characters are escaped.
 */
export function eventLine(type: string, data: unknown, metadata: unknown): string {
  const { actor, transport, timestamp } = fieldsOf(metadata);
  const who = fieldsOf(actor)['id'];
  const where = transport === 'internal' || transport === undefined ? '' : ` · ${text(transport)}`;
  const say = Object.hasOwn(LINES, type) ? LINES[type as KnownType] : undefined;
  const what = say ? say(fieldsOf(data), timestamp) : `did ${text(type)}`;
  return cut(`${who === undefined ? 'somebody' : nameOf(who)} ${what}${where}`, LINE_LENGTH);
}

/** `saga:retry` reads as `saga retry`. */
function nameOf(id: unknown): string {
  return text(id).replace(/^saga:/, 'saga ');
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

const isEmpty = (args: unknown): boolean => Object.keys(fieldsOf(args)).length === 0;

function because(reason: unknown, before = ': '): string {
  return reason === undefined || reason === null || reason === '' ? '' : `${before}${text(reason)}`;
}

function quoted(value: unknown): string {
  return `“${text(value)}”`;
}

function listed(values: readonly unknown[]): string {
  const shown = values.slice(0, 3).map(text).join(', ');
  return values.length > 3 ? `${shown} and ${values.length - 3} more` : shown;
}

/** From `since` to `until`, both epoch milliseconds; nothing when one is none. */
function span(before: string, until: unknown, since: unknown): string {
  if (typeof until !== 'number' || typeof since !== 'number') return '';
  const ms = Math.max(0, until - since);
  if (ms < 1_000) return `${before}${ms} ms`;
  if (ms < 120_000) return `${before}${Math.round(ms / 100) / 10} s`;
  if (ms < 7_200_000) return `${before}${Math.round(ms / 60_000)} min`;
  return `${before}${Math.round(ms / 3_600_000)} h`;
}

/** On one line, readable, and no longer than it is worth. */
function text(value: unknown): string {
  const written = typeof value === 'string' ? value : (JSON.stringify(value) ?? '?');
  return escaped(cut(written, TEXT_LENGTH));
}

function cut(written: string, most: number): string {
  if (written.length <= most) return written;
  // Not between the halves of a character.
  return `${written.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Control characters, line ends of all kinds, and what turns the direction of text. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function escaped(written: string): string {
  return written.replace(UNSAFE, (each) => {
    if (each === '\n') return '\\n';
    if (each === '\r') return '\\r';
    if (each === '\t') return '\\t';
    return `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
