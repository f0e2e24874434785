import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { type ImportedTask, ImportedTasks } from '../../commands/imported-tasks.port.js';
import { EventLog } from '../../event-store/index.js';
import {
  type DatedChainEnd,
  importedRefusalStream,
  importedStream,
  importEventRegistry,
  IMPORTS_STREAM,
  type StoredImportEvent,
} from '../../events/index.js';
import { FollowedStream } from '../../processing/index.js';

/**
 * The imported tasks, in memory: some 300 bytes each. So no query has to look for one in the log, and a
 * task is created without asking the log whether its id was imported.
 */
@Injectable()
export class KnownImports extends ImportedTasks implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly tasks = new Map<string, ImportedTask>();
  /** How often each was begun that is not complete, or was begun more than once. */
  private readonly begins = new Map<string, number>();
  private readonly followed: FollowedStream;

  constructor(log: EventLog) {
    super();
    this.followed = new FollowedStream(log, {
      stream: IMPORTS_STREAM,
      take: (record) => this.take(importEventRegistry.decode(record)),
      logger: new Logger('Imports'),
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

  begun(taskId: string): number {
    return this.tasks.get(taskId)?.begun ?? this.begins.get(taskId) ?? 0;
  }

  unseen(): readonly string[] {
    return [...this.begins].flatMap(([taskId, begun]) => {
      const places = Array.from({ length: begun }, (_, before) => before + 1);
      return places
        .filter((place) => place !== this.tasks.get(taskId)?.begun)
        .flatMap((place) => [importedStream(taskId, place), importedRefusalStream(taskId, place)]);
    });
  }

  get end(): DatedChainEnd {
    return this.followed.end;
  }

  private take({ event, metadata: { appName, timestamp, actor } }: StoredImportEvent): void {
    const { taskId, fromLog } = event.data;
    // Should an id be complete twice, the first one counts: nothing was added by the second.
    if (this.tasks.has(taskId)) return;
    const begun = this.begun(taskId);
    if (event.type === 'TaskImportBegun') {
      this.begins.set(taskId, begun + 1);
      return;
    }
    const { events, refusals, head } = event.data;
    const about = { taskId, appName, fromLog, events, refusals, head };
    this.tasks.set(taskId, { ...about, by: actor.id, at: timestamp, begun: Math.max(1, begun) });
    if (begun <= 1) this.begins.delete(taskId);
  }
}
