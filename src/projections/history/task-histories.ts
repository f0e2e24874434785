import { Injectable } from '@nestjs/common';
import type { TaskInfo } from '@taskmanager/protocol';
import { type ImportedTask, ImportedTasks } from '../../commands/imported-tasks.port.js';
import {
  EventLog,
  type ReadStreamOptions,
  type RecordedEvent,
  streamPages,
} from '../../event-store/index.js';
import {
  chainedName,
  decodeTaskEvent,
  importedRefusalStream,
  importedStream,
  refusalStream,
  taskStream,
} from '../../events/index.js';
import { evolve, type Task, toTaskInfo } from '../../task/index.js';
import { appOf, maySee } from '../visibility.js';

/**
 * What happened to one task, wherever it lies. Events of an imported one come as they lay in the log that
 * they were exported from, under the names of their streams there; their positions are this log's.
 */
export class TaskHistory {
  constructor(
    private readonly log: EventLog,
    readonly taskId: string,
    /** Its first event. */
    readonly first: RecordedEvent,
    /** Undefined: the task is this log's own. */
    readonly imported: ImportedTask | undefined,
  ) {}

  /** Of the first event: an app never changes. Nobody's when that cannot be read. */
  get appName(): string {
    return appOf(this.first);
  }

  /** One page of the task's own events, as EventLog.readStream. */
  async read(options: ReadStreamOptions): Promise<readonly RecordedEvent[]> {
    return this.named(await this.log.readStream(this.stream, options));
  }

  /** All of the task's own events, page by page. */
  async *pages(): AsyncGenerator<readonly RecordedEvent[], void> {
    for await (const page of streamPages(this.log, this.stream)) yield this.named(page);
  }

  /** One page of what was refused. */
  async readRefusals(options: ReadStreamOptions): Promise<readonly RecordedEvent[]> {
    const { taskId, imported } = this;
    const stream = imported ? importedRefusalStream(taskId, imported.begun) : refusalStream(taskId);
    return this.named(await this.log.readStream(stream, options));
  }

  private get stream(): string {
    const { taskId, imported } = this;
    return imported ? importedStream(taskId, imported.begun) : taskStream(taskId);
  }

  private named(records: readonly RecordedEvent[]): readonly RecordedEvent[] {
    if (!this.imported) return records;
    return records.map((record) => ({ ...record, stream: chainedName(record.stream) }));
  }
}

/** Finds a task's history: its own stream, else the one that was imported. */
@Injectable()
export class TaskHistories {
  constructor(
    private readonly log: EventLog,
    private readonly imports: ImportedTasks,
  ) {}

  async find(taskId: string): Promise<TaskHistory | undefined> {
    const [own] = await this.log.readStream(taskStream(taskId), { limit: 1 });
    return own ? new TaskHistory(this.log, taskId, own, undefined) : this.findImported(taskId);
  }

  /**
   * As it is, with where it came from; undefined when it was not imported, or may not be seen: nothing is
   * read then, so that the time which that takes tells nobody that it is there.
   * @param apps those whose tasks may be seen; all when undefined
   */
  async readImported(
    taskId: string,
    apps: readonly string[] | undefined,
  ): Promise<TaskInfo | undefined> {
    await this.imports.ready();
    const known = this.imports.find(taskId);
    if (!known || !maySee(apps, known.appName)) return undefined;
    const history = await this.findImported(taskId);
    if (!history?.imported) return undefined;
    let task: Task | undefined;
    for await (const page of history.pages()) {
      for (const record of page) task = evolve(task, decodeTaskEvent(record));
    }
    return task && { ...toTaskInfo(task), imported: originOf(history.imported) };
  }

  private async findImported(taskId: string): Promise<TaskHistory | undefined> {
    await this.imports.ready();
    const imported = this.imports.find(taskId);
    if (!imported) return undefined;
    const stream = importedStream(taskId, imported.begun);
    const [first] = await this.log.readStream(stream, { limit: 1 });
    return first && new TaskHistory(this.log, taskId, first, imported);
  }
}

/** What TaskInfo says of a task that was imported. */
export const originOf = ({ fromLog, by, at }: ImportedTask): NonNullable<TaskInfo['imported']> => ({
  fromLog,
  by,
  at,
});
