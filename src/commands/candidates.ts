import type { CommandBus } from '@nestjs/cqrs';
import type { CommandAnswer } from '@taskmanager/protocol';
import { type CommandContext, Refusal, perTaskCommandId, withContext } from '../context/index.js';
import type { TaskCommand } from './task-command.js';

/** The context of the command that a filter command sends to one of the tasks it found. */
export function candidateContext(context: CommandContext, taskId: string): CommandContext {
  return {
    ...context,
    commandId: perTaskCommandId(context.commandId, taskId),
    causationId: context.commandId,
    candidate: true,
  };
}

/**
 * Sends one command to each candidate. A task that no longer fits is skipped: refused, gone, or with
 * nothing to change. Answers the others; a fault (the log is away) fails the whole call, once every command
 * has ended: what follows counts on none of them being under way any more.
 */
export async function sendToEach(
  commandBus: CommandBus,
  context: CommandContext,
  taskIds: readonly string[],
  command: (taskId: string) => TaskCommand,
): Promise<CommandAnswer[]> {
  const outcomes = await Promise.allSettled(
    taskIds.map(async (taskId) => {
      try {
        return await commandBus.execute<TaskCommand, CommandAnswer>(
          withContext(command(taskId), candidateContext(context, taskId)),
        );
      } catch (error) {
        if (error instanceof Refusal && SKIPPED.includes(error.code)) return undefined;
        throw error;
      }
    }),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  return outcomes.flatMap((outcome) => {
    const answer = outcome.status === 'fulfilled' ? outcome.value : undefined;
    return answer && answer.events.length > 0 ? [answer] : [];
  });
}

const SKIPPED = ['INVALID_TRANSITION', 'TASK_NOT_FOUND', 'LEASE_LOST', 'FORBIDDEN', 'CONFLICT'];
