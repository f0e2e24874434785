import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandAnswer } from '@taskmanager/protocol';
import {
  type CommandContext,
  Ids,
  Refusal,
  contextOf,
  taskIdOfCommand,
  taskIdOfKey,
} from '../context/index.js';
import { type AnyTaskEvent, TaskCreated } from '../events/index.js';
import type { Task } from '../task/index.js';
import { CommandExecutor } from './command-executor.js';
import { CreateTask } from './create-task.command.js';

@CommandHandler(CreateTask)
export class CreateTaskHandler implements ICommandHandler<CreateTask> {
  constructor(
    private readonly executor: CommandExecutor,
    private readonly ids: Ids,
  ) {}

  async execute(command: CreateTask): Promise<CommandAnswer> {
    const context = contextOf(command);
    const { answer } = await this.executor.execute({
      taskId: this.taskId(command, context),
      command: CreateTask.message,
      context,
      creates: true,
      // A key is its app's own: another app's task under the same id is another task.
      createdBefore: ({ idempotencyKey, appName }) =>
        idempotencyKey !== undefined &&
        idempotencyKey === command.idempotencyKey &&
        appName === command.appName,
      decide: (task) => this.decide(task, command, context),
    });
    return answer;
  }

  decide(
    task: Task | undefined,
    command: CreateTask,
    { apps, actor }: CommandContext,
  ): AnyTaskEvent[] {
    if (task) {
      throw new Refusal(
        'CONFLICT',
        `There is a task ${task.id} already, made by another command.`,
        {
          taskId: task.id,
        },
      );
    }
    if (apps && !apps.includes(command.appName)) {
      throw new Refusal(
        'FORBIDDEN',
        `${actor.id} may not create tasks of app ${command.appName}.`,
        {
          appName: command.appName,
        },
      );
    }
    // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the id names the stream
    const { id, ...given } = command;
    const persistent = command.persistent ?? false;
    return [
      new TaskCreated({
        runBy: persistent ? 'worker' : 'app',
        maxRetries: 3,
        retryDelayMs: 1_000,
        backoff: { type: 'fixed' },
        priority: 0,
        labels: {},
        ...given,
        persistent,
      }),
    ];
  }

  /** The client's own id, else one that the app's key or the command's id stands for, else a new one. */
  private taskId(
    { id, idempotencyKey, appName }: CreateTask,
    { clientCommandId }: CommandContext,
  ): string {
    if (id !== undefined) return id;
    if (idempotencyKey !== undefined) return taskIdOfKey(appName, idempotencyKey);
    return clientCommandId === undefined ? this.ids.next() : taskIdOfCommand(clientCommandId);
  }
}
