import type {
  CommandAnswer,
  CommandName,
  PauseAllAnswer,
  TaskManager,
  TaskStatus,
} from '@taskmanager/client';
import type { BatchAnswer } from '@taskmanager/protocol';
import type { Journal, SentCommand } from './journal.js';

export const APP = 'crash-test';

/** A task as the programs that drive it believe it to be. */
export interface DrivenTask {
  readonly id: string;
  status: TaskStatus;
  revision: number;
  completed: number;
}

/** Sends for the programs of one client, and notes what was sent and what came back. */
export class Sender {
  constructor(
    readonly actor: string,
    private readonly client: TaskManager,
    private readonly journal: Journal,
  ) {}

  async send(task: DrivenTask, name: CommandName, args: object): Promise<void> {
    await this.deliver(task, this.journal.send(this.actor, name, task.id, args));
  }

  async sendBatch(task: DrivenTask, steps: readonly [CommandName, object][]): Promise<void> {
    const sent = steps.map(([name, args]) => this.journal.send(this.actor, name, task.id, args));
    const commands = sent.map(({ name, args, commandId }) => ({
      command: name,
      args,
      meta: { commandId },
    }));
    const open: SentCommand[] = [];
    try {
      const { results }: BatchAnswer = await this.client.command('batch', { commands });
      for (const [index, command] of sent.entries()) {
        const result = results[index]!;
        if ('ok' in result) this.heard(task, command, result.ok);
        else if (result.error.code === 'UNAVAILABLE') open.push(command);
        else this.journal.refused(command, result.error.code, result.error.message);
      }
    } catch (error) {
      for (const command of sent) this.journal.failed(command, error);
    }
    // The client leaves it to the sender of a batch to send a part of it again.
    for (const command of open) await this.deliver(task, command);
  }

  /** Sends what the journal knows of already. */
  private async deliver(task: DrivenTask, command: SentCommand): Promise<void> {
    const { name, args, commandId } = command;
    try {
      const answer = await this.client.command(name, args, { commandId });
      this.heard(task, command, answer as CommandAnswer);
    } catch (error) {
      this.journal.failed(command, error);
    }
  }

  async pauseAll(taskType: string): Promise<void> {
    const args = { taskType, appName: APP };
    const command = this.journal.send(this.actor, 'pause_all_running_tasks', '', args);
    try {
      const { commandId } = command;
      const answer: PauseAllAnswer = await this.client.command('pause_all_running_tasks', args, {
        commandId,
      });
      this.journal.answeredFilter(command, answer);
    } catch (error) {
      this.journal.failed(command, error);
    }
  }

  private heard(task: DrivenTask, command: SentCommand, answer: CommandAnswer): void {
    this.journal.answered(command, answer);
    if (answer.revision < task.revision) return;
    task.revision = answer.revision;
    task.status = answer.status;
  }
}
