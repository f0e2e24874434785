import { CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { BatchAnswer, CommandAnswer } from '@taskmanager/protocol';
import { Batch } from './batch.command.js';

/**
 * Sends every command on at once. Those about one task queue up in the order they stand here, because
 * the executor takes its place in the task's queue before it first waits.
 */
@CommandHandler(Batch)
export class BatchHandler implements ICommandHandler<Batch> {
  constructor(private readonly commandBus: CommandBus) {}

  async execute({ entries, toError }: Batch): Promise<BatchAnswer> {
    const results = entries.map(async (entry): Promise<BatchAnswer['results'][number]> => {
      if ('error' in entry) return { error: entry.error };
      try {
        return { ok: await this.commandBus.execute<object, CommandAnswer>(entry.message) };
      } catch (error) {
        return { error: toError(error, entry.message) };
      }
    });
    return { results: await Promise.all(results) };
  }
}
