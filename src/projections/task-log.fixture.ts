import type { Actor, Position } from '@taskmanager/protocol';
import { v5, v7 } from 'uuid';
import type { EventLog } from '../event-store/index.js';
import {
  type AnyTaskEvent,
  type ChainEnd,
  EMPTY_CHAIN,
  encodeEvent,
  type StoredTaskEvent,
  TaskCreated,
  type TaskCreatedData,
  taskStream,
} from '../events/index.js';
import { evolve, type Task } from '../task/index.js';

const ACTOR: Actor = { id: 'tester', roles: ['client'], verified: true };

export const CREATED: TaskCreatedData = {
  name: 'publish packages',
  taskType: 'publish',
  appName: 'app',
  runBy: 'app',
  persistent: false,
  maxRetries: 3,
  retryDelayMs: 1_000,
  backoff: { type: 'fixed' },
  priority: 0,
  labels: {},
};

/** For tests: writes events of tasks straight into a log, and folds them by itself. */
export class TaskLog {
  /** Every task that was written, folded; deleted ones too. */
  readonly tasks = new Map<string, Task>();
  readonly stored: StoredTaskEvent[] = [];
  now = 1_700_000_000_000;
  private readonly chains = new Map<string, ChainEnd>();

  constructor(readonly log: EventLog) {}

  /** A new task; answers its id. */
  async create(data: Partial<TaskCreatedData> = {}, id: string = v7()): Promise<string> {
    await this.append(id, new TaskCreated({ ...CREATED, ...data }));
    return id;
  }

  /** All in one append, one millisecond later each; answers the last one's position. */
  async append(taskId: string, ...events: AnyTaskEvent[]): Promise<Position> {
    const texts = events.map((event) => this.encode(taskId, event, ACTOR));
    const before = (this.chains.get(taskId)?.revision ?? -1) - events.length;
    const expected = before < 0 ? 'no_stream' : BigInt(before);
    const { position } = await this.log.append(taskStream(taskId), expected, texts);
    for (const stored of this.stored.slice(-events.length)) {
      Object.assign(stored, { position });
    }
    return position;
  }

  /** As `append`, by somebody else. */
  async appendBy(actorId: string, taskId: string, event: AnyTaskEvent): Promise<Position> {
    const text = this.encode(taskId, event, { ...ACTOR, id: actorId });
    const revision = (this.chains.get(taskId)?.revision ?? 0) - 1;
    const { position } = await this.log.append(taskStream(taskId), BigInt(revision), [text]);
    return position;
  }

  /** Tasks that a view has to show. */
  get visible(): Task[] {
    return [...this.tasks.values()].filter(({ status }) => status !== 'deleted');
  }

  private encode(taskId: string, event: AnyTaskEvent, actor: Actor) {
    this.now += 1;
    const chain = this.chains.get(taskId) ?? EMPTY_CHAIN;
    const id = v5(`${taskId}/${chain.revision + 1}`, v5.URL);
    const revision = chain.revision + 1;
    const bare = { taskId, revision, event, metadata: { timestamp: this.now, actor } };
    const task = evolve(this.tasks.get(taskId), bare);
    this.tasks.set(taskId, task);
    const metadata = {
      ...bare.metadata,
      commandId: id,
      $correlationId: id,
      $causationId: id,
      transport: 'internal',
      taskType: task.taskType,
      appName: task.appName,
      status: task.status,
      attempt: task.attempt,
    };
    const encoded = encodeEvent(chain, taskStream(taskId), id, event, metadata);
    this.chains.set(taskId, encoded.chain);
    this.stored.push({
      ...bare,
      id,
      position: '' as Position,
      metadata: { ...metadata, version: event.version, hash: encoded.chain.hash },
    });
    return encoded.text;
  }
}
