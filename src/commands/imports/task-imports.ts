import { Injectable, Logger } from '@nestjs/common';
import type { ExportedEvent, ImportAnswer } from '@taskmanager/protocol';
import { LRUCache } from 'lru-cache';
import { Clock, contextOf, Refusal, whoAndWhy } from '../../context/index.js';
import { EventLog, RevisionConflict } from '../../event-store/index.js';
import {
  type AnyImportEvent,
  IMPORTS_STREAM,
  TaskImportBegun,
  TaskImported,
  taskStream,
} from '../../events/index.js';
import type { Task } from '../../task/index.js';
import { appendChained } from '../chained-append.js';
import { type ImportedTask, ImportedTasks } from '../imported-tasks.port.js';
import { TaskQueue } from '../task-queue.js';
import type { ImportTask } from './import-task.command.js';
import { type ImportedHistory, type Part, partsOf, withEvent } from './imported-history.js';
import { appendImported, compareImported, readImported } from './imported-streams.js';

/** How often it is tried anew because another process was first. */
const ATTEMPTS = 8;
/** Unfinished imports whose folded state is kept, so that a piece does not read those before it. */
const KEPT = 100;

/** What came of an import so far; `begun` says of which. */
interface Kept {
  readonly begun: number;
  readonly history: ImportedHistory;
}

/** What a TaskImported says beside its data. */
type About = Parameters<typeof appendChained>[5];

/**
 * Takes exported tasks in, piece by piece (ADR 34). What was verified is appended to streams that nothing
 * but queries about this task reads; a TaskImported in the stream of imports says that all of it is there,
 * and until then nobody sees it. Every piece may be sent again. A TaskImportBegun says who sent the first
 * one; sent with `anew`, it leaves alone what came before, and streams of its own are filled.
 */
@Injectable()
export class TaskImports {
  private readonly logger = new Logger('Imports');
  private readonly queue = new TaskQueue();
  private readonly kept = new LRUCache<string, Kept>({ max: KEPT });

  constructor(
    private readonly log: EventLog,
    private readonly imports: ImportedTasks,
    private readonly clock: Clock,
  ) {}

  /** Rejects with {@link Refusal}, or with LogUnavailable when the log is away. */
  take(piece: ImportTask): Promise<ImportAnswer> {
    const { taskId } = piece;
    return this.queue.run(taskId, async () => {
      // What another process has begun is what is begun anew; tried again, it is not begun once more.
      if (piece.anew) await this.imports.refresh();
      const before = piece.anew ? this.imports.begun(taskId) : 0;
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.attempt(piece, before);
        } catch (error) {
          this.kept.delete(taskId);
          if (!(error instanceof RevisionConflict)) throw error;
          if (attempt < ATTEMPTS) continue;
          const message = `Others imported at the same time as task ${taskId}; send it again.`;
          throw new Refusal('CONFLICT', message, { taskId });
        }
      }
    });
  }

  /** @param before how often it was begun when this was too often already */
  private async attempt(piece: ImportTask, before: number): Promise<ImportAnswer> {
    const { taskId, complete } = piece;
    await this.imports.refresh();
    const imported = this.imports.find(taskId);
    if (imported) return this.again(piece, imported);
    await this.refuseOwn(taskId);
    const begins = this.imports.begun(taskId) <= before;
    const begun = begins ? before + 1 : this.imports.begun(taskId);
    const parts = partsOf(taskId, begun);
    const kept = this.kept.get(taskId);
    let history =
      kept?.begun === begun ? kept.history : await readImported(this.log, taskId, parts);
    const appends: (() => Promise<void>)[] = [];
    // All of the piece is checked before any of it is written.
    for (const part of parts) {
      const { revision } = history[part.chain];
      const sent = eventsOf(piece, part);
      const fresh = sent.filter((event) => event.revision > revision);
      await compareImported(this.log, part, sent.slice(0, sent.length - fresh.length));
      for (const event of fresh) history = withEvent(history, taskId, part, event);
      appends.push(() => appendImported(this.log, part, revision, fresh));
    }
    const counts = countsOf(history);
    if (begins && counts.events > 0) await this.begin(piece, before);
    for (const append of appends) await append();
    this.kept.set(taskId, { begun, history });
    if (!complete) return { taskId, ...counts, complete: false };
    checkCounts(taskId, complete, counts);
    const { task } = history;
    if (!task) throw notThere(taskId, complete, counts);
    await this.complete(piece, begun, history, task);
    this.kept.delete(taskId);
    return { taskId, ...counts, complete: true };
  }

  /** It is complete: nothing can be added to it, and what is sent has to be what is here. */
  private async again(piece: ImportTask, imported: ImportedTask): Promise<ImportAnswer> {
    const { taskId, complete } = piece;
    const { events, refusals } = imported;
    for (const part of partsOf(taskId, imported.begun)) {
      const sent = eventsOf(piece, part);
      const last = sent.at(-1)?.revision ?? -1;
      if (last >= imported[part.chain]) {
        throw new Refusal(
          'CONFLICT',
          `Task ${taskId} was imported with ${events} events and ${refusals} refusals. This is another export of it, and nothing is added to an imported task.`,
          { taskId, events, refusals },
        );
      }
      await compareImported(this.log, part, sent);
    }
    if (complete) checkCounts(taskId, complete, imported);
    return { taskId, events, refusals, complete: true, repeated: true };
  }

  /** Says that pieces come. Rejects with RevisionConflict when another process imports, too. */
  private async begin(piece: ImportTask, before: number): Promise<void> {
    const { taskId, fromLog } = piece;
    await this.tell(piece, new TaskImportBegun({ taskId, fromLog }), before);
    const how = before > 0 ? ' anew' : '';
    this.logger.warn(`Import of task ${taskId} was begun${how} by ${whoAndWhy(piece)}`);
  }

  /** Says that all of it is here. Rejects with RevisionConflict when another process imports, too. */
  private async complete(
    piece: ImportTask,
    begun: number,
    history: ImportedHistory,
    { taskType, appName, status, attempt }: Task,
  ): Promise<void> {
    const { taskId, fromLog } = piece;
    const { hash: head } = history.events;
    const event = new TaskImported({ taskId, fromLog, ...countsOf(history), head });
    const about = { taskType, appName, status, attempt };
    await this.tell(piece, event, begun, about);
    this.logger.warn(`Task ${taskId} was imported from log ${fromLog} by ${whoAndWhy(piece)}`);
  }

  /** Appends to the stream of imports, unless this task's import was begun anew or completed meanwhile. */
  private async tell(
    piece: ImportTask,
    event: AnyImportEvent,
    begun: number,
    about: About = {},
  ): Promise<void> {
    const { taskId } = piece;
    await this.queue.run(IMPORTS_STREAM, async () => {
      await this.imports.refresh();
      const { end } = this.imports;
      if (this.imports.find(taskId) || this.imports.begun(taskId) !== begun) {
        throw new RevisionConflict(IMPORTS_STREAM, BigInt(end.revision), undefined);
      }
      const context = { ...contextOf(piece), now: this.clock.now() };
      // The place tells apart what one command that is sent again leaves.
      const index = end.revision + 1;
      await appendChained(this.log, IMPORTS_STREAM, end, event, context, about, index);
      await this.imports.refresh();
    });
  }

  private async refuseOwn(taskId: string): Promise<void> {
    const [own] = await this.log.readStream(taskStream(taskId), { limit: 1 });
    if (!own) return;
    const message = `Task ${taskId} is this log's own: it cannot be imported here.`;
    throw new Refusal('CONFLICT', message, { taskId });
  }
}

interface Counts {
  readonly events: number;
  readonly refusals: number;
}

const eventsOf = ({ events }: ImportTask, { original }: Part): readonly ExportedEvent[] =>
  events.filter(({ stream }) => stream === original);

const countsOf = ({ events, refusals }: ImportedHistory): Counts => ({
  events: events.revision + 1,
  refusals: refusals.revision + 1,
});

function checkCounts(taskId: string, due: Counts, here: Counts): void {
  if (due.events !== here.events || due.refusals !== here.refusals || due.events === 0) {
    throw notThere(taskId, due, here);
  }
}

function notThere(taskId: string, due: Counts, { events, refusals }: Counts): Refusal {
  return new Refusal(
    'CONFLICT',
    `The export of task ${taskId} has ${due.events} events and ${due.refusals} refusals, but ${events} and ${refusals} are here.`,
    { taskId, events, refusals },
  );
}
