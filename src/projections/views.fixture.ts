import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Position, RebuildReport } from '@taskmanager/protocol';
import { TaskFinder } from '../commands/task-finder.port.js';
import { type QueryContext, withContext } from '../context/index.js';
import { ViewsDatabase } from '../database/index.js';
import type { EventLog, LogBatch, SubscribeOptions } from '../event-store/index.js';
import { MemoryProcessorStore } from '../event-store/memory/index.js';
import type { JobWork } from '../jobs/index.js';
import { jobWork } from '../jobs/job.fixture.js';
import { ProcessorRunner, type ServedProjection } from '../processing/index.js';
import { partOfService } from '../processing/processing.fixture.js';
import { ProjectionsModule } from './projections.module.js';

/** For tests: the read side of the service over any log, without commands and transports. */
export class Views {
  readonly queries: QueryBus;
  readonly runner: ProcessorRunner;
  readonly finder: TaskFinder;
  readonly database: ViewsDatabase;

  private constructor(private readonly app: INestApplicationContext) {
    this.queries = app.get(QueryBus);
    this.runner = app.get(ProcessorRunner);
    this.finder = app.get(TaskFinder);
    this.database = app.get(ViewsDatabase);
  }

  /** Started, with its views in this file. */
  static async over(log: EventLog, file: string): Promise<Views> {
    const database = await ViewsDatabase.open(file, () => undefined);

    const store = new MemoryProcessorStore();
    const built = await partOfService({ log, store, database }, [ProjectionsModule]);
    await built.init();
    return new Views(built);
  }

  /** Answers, or throws what the handler throws. */
  ask<Answer>(query: object, context: Partial<QueryContext> = {}): Promise<Answer> {
    const actor = { id: 'tester', roles: [], verified: true };
    return this.queries.execute(withContext(query, { actor, correlationId: 'c', ...context }));
  }

  /** A provider of the read side. */
  part<T>(type: abstract new (...args: never[]) => T): T {
    return this.app.get<T>(type);
  }

  /** Waits until queries see everything up to here. */
  async reach(position: Position): Promise<void> {
    const outcome = await this.runner.whenProcessed('tasks', position, 20_000);
    if (outcome !== 'reached') throw new Error(`The view did not get to ${position}: ${outcome}.`);
  }

  /** The task view, to be rebuilt, compared and so on. */
  get tasks(): ServedProjection {
    const found = this.runner.served().find(({ name }) => name === 'tasks');
    if (!found) throw new Error('There is no task view.');
    return found;
  }

  /** As a job does, which nobody follows. */
  rebuild(work: JobWork = jobWork()): Promise<RebuildReport> {
    return this.tasks.rebuild(work, { keepOld: false });
  }

  async close(): Promise<void> {
    await this.app.close();
    if (this.database.connection.open) this.database.close();
  }
}

/** The log as it is, and as bad as "at least once" allows: for `describe.each`. */
export const DELIVERIES = [
  ['once', (log: EventLog): EventLog => log],
  ['twice', deliveredTwice],
] as const;

/** The same log, but its subscriptions hand out every batch twice, and each event in it twice. */
function deliveredTwice(log: EventLog): EventLog {
  const subscribe = (options: SubscribeOptions) => twice(log.subscribe(options));
  return new Proxy(log, {
    get(target, name) {
      if (name === 'subscribe') return subscribe;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

async function* twice(batches: AsyncIterable<LogBatch>): AsyncGenerator<LogBatch> {
  for await (const batch of batches) {
    const doubled = { ...batch, events: batch.events.flatMap((event) => [event, event]) };
    yield doubled;
    yield doubled;
  }
}

/** A message with these fields, as the transport makes it. */
export function message<M extends object>(type: new () => M, fields: Partial<M> = {}): M {
  return Object.assign(new type(), fields);
}

/** A folder for a test's files, and how to remove it. */
export function temporaryFolder(): { path: (name: string) => string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'views-'));
  return {
    path: (name) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
