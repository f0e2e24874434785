import { Injectable } from '@nestjs/common';
import { CommandBus, CommandHandlerNotFoundException } from '@nestjs/cqrs';
import {
  Clock,
  type CommandContext,
  Refusal,
  sagaCommandId,
  withContext,
} from '../../context/index.js';
import { LogUnavailable } from '../../event-store/index.js';
import { TryLater } from '../handlers/processor-handler.js';

/** The task has moved on, so that nothing is left to do. */
const DONE: readonly string[] = ['INVALID_TRANSITION', 'TASK_NOT_FOUND', 'LEASE_LOST'];
const PASSING: readonly string[] = ['CONFLICT', 'UNAVAILABLE', 'OVERLOADED'];

/** Why commands are sent: an event, or a timer that is due. */
export interface Cause {
  /** Id of the event, or the name of the timer: the ids of the commands are derived from it. */
  readonly id: string;
  readonly correlationId?: string;
  readonly causationId?: string;
}

/** Sends what sagas answer, under ids that are the same each time (DESIGN §6.2). */
@Injectable()
export class SagaCommands {
  constructor(
    private readonly bus: CommandBus,
    private readonly clock: Clock,
  ) {}

  /**
   * One after the other; those that take long give up when `gone` fires. Resolves when all have taken effect or have nothing left to do. Rejects with
   * {@link TryLater} when the log or the service is away, else with what went wrong.
   */
  async send(
    saga: string,
    cause: Cause,
    commands: readonly object[],
    gone: AbortSignal,
  ): Promise<void> {
    for (const [index, command] of commands.entries()) {
      const commandId = sagaCommandId(saga, cause.id, index);
      const context: CommandContext = {
        actor: { id: `saga:${saga}`, roles: ['service'], verified: true },
        commandId,
        correlationId: cause.correlationId ?? commandId,
        causationId: cause.causationId ?? commandId,
        transport: 'internal',
        resent: true,
        gone,
        now: this.clock.now(),
      };
      try {
        await this.bus.execute(withContext(command, context));
      } catch (error) {
        if (error instanceof LogUnavailable) throw new TryLater(error.message, { cause: error });
        // Sagas may begin before the bus knows its handlers: Nest tells modules of the start one by one.
        if (error instanceof CommandHandlerNotFoundException) {
          throw new TryLater(error.message, { cause: error });
        }
        if (!(error instanceof Refusal)) throw error;
        if (DONE.includes(error.code)) continue;
        if (PASSING.includes(error.code)) throw new TryLater(error.message, { cause: error });
        throw error;
      }
    }
  }
}
