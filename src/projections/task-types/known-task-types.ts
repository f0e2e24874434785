import { setTimeout as sleep } from 'node:timers/promises';
import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { Position, TaskTypeAnswer } from '@taskmanager/protocol';
import { TaskTypes, type TaskTypesEnd } from '../../commands/task-types.port.js';
import { EventLog } from '../../event-store/index.js';
import { decodeTaskTypeEvent, EMPTY_CHAIN, TASK_TYPES_STREAM } from '../../events/index.js';
import { backoffMs } from '../../processing/index.js';
import { evolveTaskType, type TaskTypeRule } from '../../task/index.js';

const PAGE = 1_000;
/** Commands whose answers are kept, those that took effect last. */
const REMEMBERED = 1_000;

/**
 * The rules of task types, in memory: their one stream is short, and is read from its beginning when the
 * process starts. It is followed from then on, so that what another process decides is heeded here too.
 */
@Injectable()
export class KnownTaskTypes extends TaskTypes implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Task types');
  private readonly rules = new Map<string, TaskTypeRule>();
  private readonly answers = new Map<string, TaskTypeAnswer>();
  private readonly listeners = new Set<(taskType: string) => void>();
  private readonly stopping = new AbortController();
  private chain: TaskTypesEnd = { ...EMPTY_CHAIN, timestamp: 0 };
  private position: Position | undefined;
  private reading: Promise<void> = Promise.resolve();
  private isReady = false;
  private running: Promise<void> = Promise.resolve();
  /** In a row. */
  private failures = 0;

  constructor(private readonly log: EventLog) {
    super();
  }

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Tells of every type whose rule has changed; before whoever asked for the change is answered. */
  onChange(listener: (taskType: string) => void): void {
    this.listeners.add(listener);
  }

  refresh(): Promise<void> {
    const read = this.reading.then(() => this.read());
    this.reading = read.catch(() => undefined);
    return read;
  }

  ready(): Promise<void> {
    return this.isReady ? Promise.resolve() : this.refresh();
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

  get end(): TaskTypesEnd {
    return this.chain;
  }

  answerAbout(taskType: string): TaskTypeAnswer {
    const { paused, maxRunning } = this.rules.get(taskType) ?? {};
    const { revision } = this.chain;
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

  private async read(): Promise<void> {
    for (;;) {
      const from = BigInt(this.chain.revision + 1);
      const page = await this.log.readStream(TASK_TYPES_STREAM, { from, limit: PAGE });
      for (const record of page) this.fold(decodeTaskTypeEvent(record));
      if (page.length < PAGE) break;
    }
    this.isReady = true;
  }

  private fold(stored: ReturnType<typeof decodeTaskTypeEvent>): void {
    const { revision, position, metadata } = stored;
    const { taskType } = stored.event.data;
    const rule = evolveTaskType(this.rules.get(taskType), stored);
    if (rule) this.rules.set(taskType, rule);
    else this.rules.delete(taskType);
    this.chain = { revision, hash: metadata.hash, timestamp: metadata.timestamp };
    this.position = position;
    this.answers.set(metadata.commandId, this.answerAbout(taskType));
    const [oldest] = this.answers.keys();
    if (this.answers.size > REMEMBERED && oldest !== undefined) this.answers.delete(oldest);
    for (const tell of this.listeners) tell(taskType);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.follow(signal);
      } catch (error) {
        this.failures += 1;
        if (this.failures === 1) {
          const why = (error as Error).message;
          this.logger.warn(`What other processes decide about task types is not heard of: ${why}`);
        }
        const pause = backoffMs(this.failures);
        await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const from = (await this.log.head()) ?? 'start';
    await this.refresh();
    const filter = { streamPrefix: TASK_TYPES_STREAM };
    for await (const { events } of this.log.subscribe({ from, filter, signal })) {
      this.failures = 0;
      if (events.length > 0) await this.refresh();
    }
    if (!signal.aborted) throw new Error('the log ended the subscription');
  }
}
