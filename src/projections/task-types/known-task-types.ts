import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { Position, TaskTypeAnswer } from '@taskmanager/protocol';
import { TaskTypes } from '../../commands/task-types.port.js';
import { EventLog } from '../../event-store/index.js';
import {
  type DatedChainEnd,
  type StoredTaskTypeEvent,
  TASK_TYPES_STREAM,
  taskTypeEventRegistry,
} from '../../events/index.js';
import { FollowedStream } from '../../processing/index.js';
import { evolveTaskType, type TaskTypeRule } from '../../task/index.js';

/** Commands whose answers are kept, those that took effect last. */
const REMEMBERED = 1_000;

/**
 * The rules of task types, in memory: their one stream is short, and is read from its beginning when the
 * process starts. It is followed from then on, so that what another process decides is heeded here too.
 */
@Injectable()
export class KnownTaskTypes extends TaskTypes implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly rules = new Map<string, TaskTypeRule>();
  private readonly answers = new Map<string, TaskTypeAnswer>();
  private readonly listeners = new Set<(taskType: string) => void>();
  private readonly followed: FollowedStream;
  private position: Position | undefined;

  constructor(log: EventLog) {
    super();
    this.followed = new FollowedStream(log, {
      stream: TASK_TYPES_STREAM,
      take: (record) => {
        this.position = record.position;
        this.take(taskTypeEventRegistry.decode(record));
      },
      logger: new Logger('Task types'),
    });
  }

  onApplicationBootstrap(): void {
    this.followed.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.followed.stop();
  }

  /** Tells of every type whose rule has changed; before whoever asked for the change is answered. */
  onChange(listener: (taskType: string) => void): void {
    this.listeners.add(listener);
  }

  refresh(): Promise<void> {
    return this.followed.refresh();
  }

  ready(): Promise<void> {
    return this.followed.ready();
  }

  ruleOf(taskType: string): TaskTypeRule | undefined {
    return this.rules.get(taskType);
  }

  all(): readonly TaskTypeRule[] {
    return [...this.rules.values()];
  }

  get size(): number {
    return this.rules.size;
  }

  get end(): DatedChainEnd {
    return this.followed.end;
  }

  answerAbout(taskType: string): TaskTypeAnswer {
    const { paused, maxRunning } = this.rules.get(taskType) ?? {};
    const { revision } = this.end;
    return {
      taskType,
      paused: paused !== undefined,
      ...(maxRunning !== undefined && { maxRunning }),
      ...(this.position !== undefined && { revision, position: this.position }),
    };
  }

  answerTo(commandId: string): TaskTypeAnswer | undefined {
    return this.answers.get(commandId);
  }

  private take(stored: StoredTaskTypeEvent): void {
    const { taskType } = stored.event.data;
    const rule = evolveTaskType(this.rules.get(taskType), stored);
    if (rule) this.rules.set(taskType, rule);
    else this.rules.delete(taskType);
    this.answers.set(stored.metadata.commandId, this.answerAbout(taskType));
    const [oldest] = this.answers.keys();
    if (this.answers.size > REMEMBERED && oldest !== undefined) this.answers.delete(oldest);
    for (const tell of this.listeners) tell(taskType);
  }
}
