import type { Execution, Outcome } from './execution.js';

/** A command that waits for its turn, or has it. */
export interface QueuedCommand {
  readonly execution: Execution;
  /** What became of it already, together with one that stood before it. */
  settled?: { readonly outcome: Outcome } | { readonly failure: Error };
}

/** Which commands stand in line for each task, in the order they came: the one whose turn it is first. */
export class QueuedCommands {
  private readonly lines = new Map<string, QueuedCommand[]>();

  add(execution: Execution): QueuedCommand {
    const command: QueuedCommand = { execution };
    const line = this.lines.get(execution.taskId);
    if (line) line.push(command);
    else this.lines.set(execution.taskId, [command]);
    return command;
  }

  remove(command: QueuedCommand): void {
    const { taskId } = command.execution;
    const line = this.lines.get(taskId);
    if (!line) return;
    line.splice(line.indexOf(command), 1);
    if (line.length === 0) this.lines.delete(taskId);
  }

  /** At most `limit` of those that stand right behind it. */
  behind(command: QueuedCommand, limit: number): readonly QueuedCommand[] {
    const line = this.lines.get(command.execution.taskId) ?? [];
    if (line.length === 1) return [];
    const next = line.indexOf(command) + 1;
    return line.slice(next, next + limit);
  }
}
