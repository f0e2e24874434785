import type { EventLog } from '../event-store/index.js';
import { decodeTaskEvent, taskStream } from '../events/index.js';
import type { Task } from '../task/index.js';
import { answerOf, mayTouch } from './decision.js';
import type { Execution, Outcome } from './execution.js';
import type { TaskStream } from './task-snapshot.js';

/** More events than any command appends whose answer is read: each channel of a notice is one. */
const LONGEST_APPEND = 8;

/** The outcome of a command that took effect before, as far as the stream was read; undefined if it did not. */
export async function earlierOutcome(
  log: EventLog,
  { taskId, context, creates, createdBefore }: Execution,
  { task, remembered }: TaskStream,
): Promise<Outcome | undefined> {
  if (!task) return undefined;
  const first = remembered.firstRevision(context.commandId);
  if (first !== undefined) return outcomeAt(log, task, first);
  if (!creates) return undefined;
  const [creation] = await log.readStream(taskStream(taskId), { limit: 1 });
  const same = creation && decodeTaskEvent(creation).metadata.commandId === context.commandId;
  const again = same || (mayTouch(task, context) && createdBefore?.(task));
  return again ? outcomeAt(log, task, 0) : undefined;
}

/** What the command whose first event stands at this revision was answered. */
export async function outcomeAt(log: EventLog, task: Task, first: number): Promise<Outcome> {
  const records = await log.readStream(taskStream(task.id), {
    from: BigInt(first),
    limit: LONGEST_APPEND,
  });
  const stored = records.map(decodeTaskEvent);
  const commandId = stored[0]?.metadata.commandId;
  const own = stored.filter(({ metadata }) => metadata.commandId === commandId);
  const last = own.at(-1);
  if (!last) throw new Error(`Task ${task.id} has no event at revision ${first}.`);
  const then = { ...task, status: last.metadata.status, revision: last.revision };
  const events = own.map(({ id, event }) => ({ id, type: event.type }));
  return { answer: { ...answerOf(then, last.position, events), repeated: true }, task };
}
