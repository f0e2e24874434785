import { setTimeout as delay } from 'node:timers/promises';
import {
  Controller,
  Global,
  type INestApplication,
  Injectable,
  Module,
  type OnModuleDestroy,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CommandHandler,
  CqrsModule,
  type ICommandHandler,
  type IQueryHandler,
  QueryHandler,
} from '@nestjs/cqrs';
import { MessagePattern } from '@nestjs/microservices';
import { IsInt, IsOptional, IsUUID } from 'class-validator';
import { BatchHandler } from '../src/commands/batch.handler.js';
import { ClaimTasks } from '../src/commands/claim-tasks.command.js';
import { CompleteTask } from '../src/commands/complete-task.command.js';
import { CreateTask } from '../src/commands/create-task.command.js';
import { PauseTask } from '../src/commands/pause-task.command.js';
import { UpdateTaskData } from '../src/commands/update-task-data.command.js';
import { UpdateTaskProgress } from '../src/commands/update-task-progress.command.js';
import { PauseProcessor } from '../src/processing/admin/pause-processor.command.js';
import { ConfigModule, ServiceLogger, Settings } from '../src/config/index.js';
import { AdminJournal, contextOf, queryContextOf, Refusal } from '../src/context/index.js';
import { LogUnavailable, RevisionConflict } from '../src/event-store/index.js';
import { serve, TransportModule } from '../src/transport/index.js';

/** The transport with handlers that do nothing but what a test asks for: no log, no views. */

/** Commands of `complete_task` wait here until a test lets them go. */
@Injectable()
export class Held {
  private readonly waiting: (() => void)[] = [];
  private readonly arrivals: { count: number; resolve: () => void }[] = [];
  arrived = 0;

  hold(): Promise<void> {
    this.arrived += 1;
    for (const { count, resolve } of this.arrivals) if (this.arrived >= count) resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Resolves when so many commands are held, or were. */
  whenArrived(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.arrived >= count) resolve();
      else this.arrivals.push({ count, resolve });
    });
  }

  release(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** Waiting claims; they end empty when the service stops, as the real ones do. */
@Injectable()
export class Waits implements OnModuleDestroy {
  private readonly stop = new AbortController();
  count = 0;

  async wait(ms: number, gone: AbortSignal = this.stop.signal): Promise<void> {
    this.count += 1;
    const signal = AbortSignal.any([this.stop.signal, gone]);
    await delay(ms, undefined, { signal }).catch(() => undefined);
    this.count -= 1;
  }

  onModuleDestroy(): void {
    this.stop.abort();
  }
}

@CommandHandler(CreateTask)
class CreateTaskHandler implements ICommandHandler<CreateTask> {
  async execute(command: CreateTask) {
    return { command, context: contextOf(command) };
  }
}

@CommandHandler(UpdateTaskProgress)
class UpdateTaskProgressHandler implements ICommandHandler<UpdateTaskProgress> {
  async execute(command: UpdateTaskProgress) {
    return { id: command.id, context: contextOf(command) };
  }
}

@CommandHandler(UpdateTaskData)
class UpdateTaskDataHandler implements ICommandHandler<UpdateTaskData> {
  async execute({ id }: UpdateTaskData) {
    return { id };
  }
}

/** Fails in the way that the reason names. */
@CommandHandler(PauseTask)
class PauseTaskHandler implements ICommandHandler<PauseTask> {
  async execute({ id, reason }: PauseTask) {
    if (reason === 'refusal')
      throw new Refusal('INVALID_TRANSITION', 'It is over.', { status: 'completed' });
    if (reason === 'conflict') throw new RevisionConflict(`task-${id}`, 1n, 2n);
    if (reason === 'unavailable') throw new LogUnavailable('the disk is full', false);
    if (reason === 'fault') throw new Error('a secret of the implementation');
    if (reason === 'unwritable') return { revision: 1n };
    if (reason === 'nothing') return undefined;
    return null;
  }
}

@CommandHandler(CompleteTask)
class CompleteTaskHandler implements ICommandHandler<CompleteTask> {
  constructor(private readonly held: Held) {}

  async execute({ id }: CompleteTask) {
    await this.held.hold();
    return { id };
  }
}

/** Works before it waits, until a test lets it go, when the task type says so. */
@CommandHandler(ClaimTasks)
class ClaimTasksHandler implements ICommandHandler<ClaimTasks> {
  constructor(
    private readonly held: Held,
    private readonly waits: Waits,
  ) {}

  async execute(command: ClaimTasks) {
    const { waitMs = 0, taskTypes } = command;
    const { gone, whileWaiting } = contextOf(command);
    if (taskTypes.includes('held')) await this.held.hold();
    if (waitMs > 0) await whileWaiting?.(() => this.waits.wait(waitMs, gone));
    return { tasks: [] };
  }
}

class GetTask {
  static readonly message = 'get_task';

  @IsUUID()
  readonly id: string;
}

@QueryHandler(GetTask)
class GetTaskHandler implements IQueryHandler<GetTask> {
  async execute(query: GetTask) {
    return { id: query.id, context: queryContextOf(query) };
  }
}

/** Answers as many characters as asked for. */
class ListTasks {
  static readonly message = 'list_tasks';

  @IsOptional()
  @IsInt()
  readonly limit?: number;
}

@QueryHandler(ListTasks)
class ListTasksHandler implements IQueryHandler<ListTasks> {
  async execute({ limit = 0 }: ListTasks) {
    return { text: 'x'.repeat(limit) };
  }
}

@CommandHandler(PauseProcessor)
class PauseProcessorHandler implements ICommandHandler<PauseProcessor> {
  async execute(command: PauseProcessor) {
    return { name: command.name, context: contextOf(command) };
  }
}

class ListProcessors {
  static readonly message = 'list_processors';
}

@QueryHandler(ListProcessors)
class ListProcessorsHandler implements IQueryHandler<ListProcessors> {
  async execute(query: ListProcessors) {
    return { context: queryContextOf(query) };
  }
}

@Controller()
class EchoController {
  @MessagePattern('echo')
  async echo(payload: unknown) {
    return payload;
  }
}

@Global()
@Module({
  imports: [CqrsModule],
  controllers: [EchoController],
  providers: [
    BatchHandler,
    ClaimTasksHandler,
    CompleteTaskHandler,
    CreateTaskHandler,
    GetTaskHandler,
    Held,
    ListProcessorsHandler,
    ListTasksHandler,
    PauseProcessorHandler,
    PauseTaskHandler,
    UpdateTaskDataHandler,
    UpdateTaskProgressHandler,
    Waits,
    // What is written down has a spec of its own, in src/commands.
    { provide: AdminJournal, useValue: { record: () => Promise.resolve() } },
  ],
  exports: [AdminJournal],
})
class FakeHandlers {}

const BATCHED = [CreateTask, UpdateTaskProgress, UpdateTaskData, PauseTask, CompleteTask];

export interface FakeService {
  readonly port: number;
  readonly app: INestApplication;
  readonly nats: Promise<void>;
  readonly held: Held;
  readonly waits: Waits;
  close(): Promise<void>;
}

/** @param variables settings as in the environment */
export async function startFakes(
  variables: Readonly<Record<string, string>> = {},
): Promise<FakeService> {
  const settings = new Settings({ TCP_PORT: '0', LOG_LEVEL: 'error', ...variables });
  const root = {
    module: class Root {},
    imports: [
      ConfigModule.with(settings),
      FakeHandlers,
      TransportModule.serving({
        commands: [...BATCHED, ClaimTasks],
        batched: BATCHED,
        queries: [GetTask, ListTasks],
        admin: { commands: [PauseProcessor], queries: [ListProcessors] },
      }),
    ],
  };
  const app = await NestFactory.create(root, {
    logger: new ServiceLogger(settings.logLevel),
    abortOnError: false,
  });
  const { tcp, nats } = await serve(app);
  const held = app.get(Held, { strict: false });
  const waits = app.get(Waits, { strict: false });
  let closing: Promise<void> | undefined;
  return { port: tcp.port, app, nats, held, waits, close: () => (closing ??= app.close()) };
}
