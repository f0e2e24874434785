import { randomUUID } from 'node:crypto';
import {
  type CommandAnswer,
  type CommandName,
  type PauseAllAnswer,
  TaskManagerError,
} from '@taskmanager/client';
import { v5 } from 'uuid';

/** Namespace of the ids that the service derives: in the log for good, so it may stand here again. */
const NAMESPACE = 'b1b0a3c4-6d0f-5e0a-9c55-7461736b6d67';

/** Refusals say that the command had no effect. Nothing else that may come back says so. */
const REFUSALS = new Set(['INVALID_TRANSITION', 'TASK_NOT_FOUND', 'CONFLICT', 'FORBIDDEN']);
/** The service was away or is gone: the command may have taken effect or not. */
const OPEN = new Set(['TIMEOUT', 'CLOSED', 'UNAVAILABLE', 'OVERLOADED']);

/** A command of the load, and what its sender knows of it. */
export interface SentCommand {
  readonly actor: string;
  readonly commandId: string;
  /** Under which its events stand in the log. */
  readonly effectiveId: string;
  readonly name: CommandName;
  readonly args: object;
  /** Empty for a filter command. */
  readonly taskId: string;
  answer?: CommandAnswer;
  refusedWith?: string;
}

/** A filter command: its effect on each task has an id of its own. */
export interface SentFilter extends SentCommand {
  tasks?: PauseAllAnswer;
}

/** Everything that was ever sent to one log, by the senders' own account. */
export class Journal {
  readonly commands = new Map<string, SentCommand>();
  readonly filters: SentFilter[] = [];
  /** Answers that a well-behaved service does not give to this load. */
  readonly unexpected: string[] = [];
  /** Sent, and nothing has come back yet. */
  readonly inFlight = new Set<SentCommand>();
  private count = 0;
  private awaited: { readonly count: number; readonly resolve: () => void } | undefined;

  /** Commands answered so far. */
  get acknowledged(): number {
    return this.count;
  }

  /** Resolves when so many commands have been answered. */
  untilAcknowledged(count: number): Promise<void> {
    if (this.count >= count) return Promise.resolve();
    return new Promise((resolve) => (this.awaited = { count, resolve }));
  }

  send(actor: string, name: CommandName, taskId: string, args: object): SentCommand {
    const commandId = randomUUID();
    const effectiveId = v5(`client:${actor}:${commandId}`, NAMESPACE);
    const command: SentCommand = { actor, commandId, effectiveId, name, taskId, args };
    if (taskId === '') this.filters.push(command);
    else this.commands.set(effectiveId, command);
    this.inFlight.add(command);
    return command;
  }

  answered(command: SentCommand, answer: CommandAnswer): void {
    this.acknowledge(command);
    command.answer = answer;
    delete command.refusedWith;
  }

  answeredFilter(command: SentFilter, answer: PauseAllAnswer): void {
    this.acknowledge(command);
    command.tasks = answer;
  }

  failed(command: SentCommand, error: unknown): void {
    this.inFlight.delete(command);
    const code = error instanceof TaskManagerError ? error.code : 'no TaskManagerError';
    this.refused(command, code, String(error));
  }

  /** @param message shown when nobody expects such an answer */
  refused(command: SentCommand, code: string, message: string): void {
    this.inFlight.delete(command);
    if (REFUSALS.has(code)) command.refusedWith ??= code;
    else if (!OPEN.has(code)) {
      this.unexpected.push(`${command.name} about task ${command.taskId}: ${code}, ${message}`);
    }
  }

  private acknowledge(command: SentCommand): void {
    this.inFlight.delete(command);
    this.count++;
    if (!this.awaited || this.awaited.count > this.count) return;
    this.awaited.resolve();
    this.awaited = undefined;
  }
}

/** The id of the event that a command appends at this place in its list. */
export const eventIdOf = (effectiveId: string, stream: string, index: number): string =>
  v5(`${stream}/${index}`, effectiveId);

/** The id under which a saga's first command about an event takes effect. */
export const sagaIdOf = (saga: string, eventId: string): string =>
  v5(`saga:${saga}:${eventId}:0`, NAMESPACE);

/** The id under which a filter command takes effect on one task. */
export const filterIdOf = (filter: SentFilter, taskId: string): string =>
  v5(taskId, filter.effectiveId);
