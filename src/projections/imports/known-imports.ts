import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { type ImportedTask, ImportedTasks } from '../../commands/imported-tasks.port.js';
import { EventLog, type RecordedEvent } from '../../event-store/index.js';
import { decodeImportEvent, EMPTY_CHAIN, IMPORTS_STREAM } from '../../events/index.js';
import { FollowedStream } from '../../processing/index.js';

/**
 * The imported tasks, in memory: some 300 bytes each. So no query has to look for one in the log, and a
 * task is created without asking the log whether its id was imported.
 */
@Injectable()
export class KnownImports extends ImportedTasks implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Imports');
  private readonly tasks = new Map<string, ImportedTask>();
  private readonly followed: FollowedStream;
  private last: ImportedTasks['end'] = { ...EMPTY_CHAIN, timestamp: 0 };

  constructor(log: EventLog) {
    super();
    this.followed = new FollowedStream(log, {
      stream: IMPORTS_STREAM,
      take: (record) => this.fold(record),
      lost: (why) => this.logger.warn(`Tasks that other processes import are not heard of: ${why}`),
    });
  }

  onApplicationBootstrap(): void {
    this.followed.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.followed.stop();
  }

  get isReady(): boolean {
    return this.followed.isReady;
  }

  ready(): Promise<void> {
    return this.followed.ready();
  }

  refresh(): Promise<void> {
    return this.followed.refresh();
  }

  find(taskId: string): ImportedTask | undefined {
    return this.tasks.get(taskId);
  }

  get end(): ImportedTasks['end'] {
    return this.last;
  }

  private fold(record: RecordedEvent): void {
    const { event, revision, metadata } = decodeImportEvent(record);
    const { taskId, fromLog, events, refusals } = event.data;
    const { appName, timestamp, actor, hash } = metadata;
    // Should an id stand there twice, the first one counts: nothing was added by the second.
    if (!this.tasks.has(taskId)) {
      const about = { taskId, appName, fromLog, events, refusals };
      this.tasks.set(taskId, { ...about, by: actor.id, at: timestamp });
    }
    this.last = { revision, hash, timestamp };
  }
}
