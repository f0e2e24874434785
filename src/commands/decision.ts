import { type CommandAnswer, allowedStatuses, mayHappen } from '@taskmanager/protocol';
import { type CommandContext, Refusal, eventId } from '../context/index.js';
import type { NewEvent } from '../event-store/index.js';
import { type AnyTaskEvent, encodeEvent, taskStream } from '../events/index.js';
import { type Task, evolve, factsOf } from '../task/index.js';
import type { TaskStream } from './task-snapshot.js';

/** The events of one command, ready to be appended, and the stream as it is once they are. */
export interface Decision {
  readonly events: readonly NewEvent[];
  readonly after: TaskStream & { readonly task: Task };
}

/**
 * Puts decided events one after the other on the task: refuses the first that the transition table does
 * not allow, and writes each in its stored form.
 */
export function applyEvents(
  taskId: string,
  stream: TaskStream,
  decided: readonly AnyTaskEvent[],
  context: CommandContext,
): Decision {
  const name = taskStream(taskId);
  const events: NewEvent[] = [];
  let { task, chain } = stream;
  for (const event of decided) {
    if (task) assertMayHappen(task, event);
    const revision = chain.revision + 1;
    const next: Task = evolve(task, {
      taskId,
      revision,
      event,
      metadata: { timestamp: context.now, actor: context.actor },
    });
    const encoded = encodeEvent(
      chain,
      name,
      eventId(context.commandId, name, events.length),
      event,
      {
        timestamp: context.now,
        actor: context.actor,
        commandId: context.commandId,
        $correlationId: context.correlationId,
        $causationId: context.causationId,
        transport: context.transport,
        taskType: next.taskType,
        appName: next.appName,
        status: next.status,
        attempt: next.attempt,
        // The event that takes a task from its worker is still about that worker.
        workerId: next.workerId ?? task?.workerId,
      },
    );
    events.push(encoded.text);
    chain = encoded.chain;
    task = next;
  }
  if (!task) throw new Error(`Nothing was decided about task ${taskId}, which does not exist.`);
  return { events, after: { ...stream, task, chain } };
}

function assertMayHappen(task: Task, { type }: AnyTaskEvent): void {
  if (mayHappen(type, factsOf(task))) return;
  const allowed = allowedStatuses(type);
  const where = allowed.includes(task.status)
    ? `${task.status}, but not in a state that allows it now`
    : `${task.status}; it would have to be ${allowed.join(' or ')}`;
  throw new Refusal(
    'INVALID_TRANSITION',
    `${type} cannot happen to task ${task.id}: it is ${where}.`,
    {
      taskId: task.id,
      status: task.status,
      event: type,
      allowed,
    },
  );
}

/** Whether the sender's apps, if it is bound to some, are this task's. */
export function mayTouch({ appName }: Pick<Task, 'appName'>, { apps }: CommandContext): boolean {
  return apps === undefined || apps.includes(appName);
}

/** The answer to a command that appended these events. */
export function answerOf(
  task: Task,
  position: string,
  events: readonly { readonly id: string; readonly type: string }[],
): CommandAnswer {
  const first = task.revision - events.length + 1;
  return {
    taskId: task.id,
    taskType: task.taskType,
    status: task.status,
    revision: task.revision,
    position,
    events: events.map(({ id, type }, index) => ({ id, type, revision: first + index })),
  };
}
