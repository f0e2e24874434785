/** Builds the audit anew, compares it with the log, and tries the present code on history. */
import {
  type DryRunReport,
  type FoldFailure,
  offsetOf,
  type Position,
  type ProjectionReport,
  type RebuildReport,
} from '@taskmanager/protocol';
import type { EventLog, LogPage, RecordedEvent } from '../../event-store/index.js';
import { taskIdOfAny } from '../../events/index.js';
import { FirstFew, JobInterrupted, type JobWork, Pace } from '../../jobs/index.js';
import { Differences, type Generation } from '../../processing/index.js';
import { AUDIT, type AuditBuild, type AuditBuilds } from './audit-builds.js';
import { auditRowOf, isReadable, numberOf } from './audit-row.js';
import type { AuditThread } from './audit-thread.js';

const PAGE = 500;
const MOST_TOLD = 100;

/** What is strictly after `from`, up to and with `to`; to the end when left out. */
interface Place {
  readonly from?: Position;
  readonly to?: Position;
}

export class AuditReplay {
  constructor(
    private readonly builds: AuditBuilds,
    private readonly thread: AuditThread,
    private readonly log: EventLog,
  ) {}

  /**
   * Fills a file beside the one that serves, or goes on with what an earlier rebuild has filled, compares
   * it with the log, and brings it what came meanwhile. Aborted, or when it differs, the file is taken away.
   */
  async build(
    work: JobWork,
  ): Promise<{ readonly build: AuditBuild; readonly report: RebuildReport }> {
    const { serving } = this.builds;
    if (!serving) throw new Error('The audit is being built already, for the first time.');
    const build = await this.builds.openRebuild(work.jobId);
    try {
      const file = this.builds.fileOf(serving);
      // After a restart nobody may have opened it yet; and a broken one is a reason to build it anew.
      const isThere = await this.thread.call('reopened', file, this.log.logId);
      const total = isThere ? await this.total(file) : undefined;
      const position = await this.fill(build, (done) => this.tell(work, 'fold', done, total));
      const report = await this.compare(work, build, position);
      if (!report.ok) {
        throw new Error(
          `The new build differs from the log in ${report.differenceCount} place(s): ${report.differences[0]?.text ?? ''} The old one goes on serving.`,
        );
      }
      // Before the one that serves has to stand still: comparing has taken its time.
      await this.fill(build, () => work.signal.throwIfAborted());
      return { build, report: { ...report, events: report.rows } };
    } catch (error) {
      if (!mayGoOn(work)) {
        this.builds.giveUp(build.generation);
        await this.builds.dropRetired();
      }
      throw error;
    }
  }

  /** To the end of the log, from wherever the file is. */
  async catchUp(build: AuditBuild): Promise<void> {
    await this.fill(build, () => undefined);
  }

  async verify(work: JobWork): Promise<ProjectionReport> {
    const { serving } = this.builds;
    if (!serving)
      throw new Error('The audit is being built for the first time: nothing serves yet.');
    const file = await this.opened(serving);
    const { position } = await this.thread.call('state', file);
    const build = { generation: serving, file, position: undefined };
    return this.compare(work, build, (position as Position | null) ?? undefined);
  }

  async dryRun(work: JobWork, { from, to }: Place): Promise<DryRunReport> {
    const failures = new FirstFew<FoldFailure>(MOST_TOLD);
    const differences = new Differences();
    const tasks = new Set<number>();
    let events = 0;
    let position = from;
    const serving = to === undefined ? this.builds.serving : undefined;
    const file = serving && (await this.opened(serving));
    const reached = file && ((await this.thread.call('state', file)).position as Position | null);
    // What comes meanwhile is not looked at: it might never end.
    const end = to ?? (await this.log.head());
    for await (const page of this.pages({ ...(from && { from }), ...(end && { to: end }) })) {
      for (const record of page.events) {
        events += 1;
        const taskId = taskIdOfAny(record.stream);
        if (taskId !== undefined) tasks.add(numberOf(taskId));
        if (isReadable(auditRowOf(record))) continue;
        failures.add(failureOf(record));
      }
      if (file && reached) {
        const within = page.events.filter((one) => one.position <= reached);
        const upTo = earlier(page.position, reached);
        const stretch = [numberOfPlace(position), numberOfPlace(upTo)] as const;
        await this.look(work, file, within, stretch, differences);
      }
      position = page.position ?? position;
      this.tell(work, 'dry run', events);
    }
    return {
      projection: AUDIT,
      events,
      tasks: tasks.size,
      ok: failures.count === 0 && differences.count === 0,
      ...(position !== undefined && { position }),
      failures: failures.items,
      failureCount: failures.count,
      differences: differences.listed,
      differenceCount: differences.count,
    };
  }

  /** After a start nobody may have opened it yet. */
  private async opened(serving: Generation): Promise<string> {
    const file = this.builds.fileOf(serving);
    if (await this.thread.call('reopened', file, this.log.logId)) return file;
    throw new Error(`${file} is gone or cannot be read: it is built anew, ask again then.`);
  }

  private async fill(
    { file }: AuditBuild,
    report: (done: number) => void,
  ): Promise<Position | undefined> {
    const pace = new Pace();
    for (;;) {
      const { position: expected } = await this.thread.call('state', file);
      const from = (expected as Position | null) ?? undefined;
      const page = await this.log.readAll({ limit: PAGE, ...(from && { after: from }) });
      const { position } = page;
      if (position !== undefined && position > (expected ?? '')) {
        // Another process that fills the same file is as good.
        await this.thread.call('write', file, expected, page.events, position);
      }
      report(await this.total(file));
      if (page.end) return position ?? from;
      // Or it never ends where the log grows as quickly as it is read.
      pace.leftOver(numberOfPlace(await this.log.head()) - numberOfPlace(position));
      await pace.turn();
    }
  }

  private async compare(
    work: JobWork,
    { generation, file }: AuditBuild,
    upTo: Position | undefined,
  ): Promise<ProjectionReport> {
    const differences = new Differences();
    const total = await this.total(file);
    let rows = 0;
    let last: Position | undefined;
    const look = async (records: readonly RecordedEvent[], position: Position) => {
      const stretch = [numberOfPlace(last), numberOfPlace(position)] as const;
      rows += await this.look(work, file, records, stretch, differences);
      last = position;
      this.tell(work, 'verify', rows, total);
    };
    if (upTo !== undefined) {
      for await (const { events, position } of this.pages({ to: upTo })) {
        if (position !== undefined) await look(events, position);
      }
      // What the file has beyond the log's end.
      if (last === undefined || last < upTo) await look([], upTo);
    }
    return {
      projection: AUDIT,
      generation: generation.generation,
      ok: differences.count === 0,
      rows,
      ...(upTo !== undefined && { position: upTo }),
      differences: differences.listed,
      differenceCount: differences.count,
    };
  }

  /** Compares a stretch of the file with its events, in calls that are short; answers how many events. */
  private async look(
    work: JobWork,
    file: string,
    records: readonly RecordedEvent[],
    [after, end]: readonly [after: number, upTo: number],
    differences: Differences,
  ): Promise<number> {
    let rows = 0;
    let left = records;
    for (let from = after; from < end;) {
      work.signal.throwIfAborted();
      const compared = await this.thread.call('compare', file, left, from, end);
      rows += compared.rows;
      differences.addAll(compared.differences, compared.differenceCount);
      left = left.slice(compared.rows);
      from = compared.reached;
    }
    return rows;
  }

  /** The log's events there, page by page; the last page ends at `to`. */
  private async *pages({ from, to }: Place): AsyncGenerator<LogPage> {
    const pace = new Pace();
    for (let after = from; ;) {
      const page = await this.log.readAll({ limit: PAGE, ...(after !== undefined && { after }) });
      const isLast = page.end || (to !== undefined && (page.position ?? '') >= to);
      if (isLast && to !== undefined) {
        const events = page.events.filter(({ position }) => position <= to);
        yield { ...page, events, position: earlier(page.position, to) };
      } else yield page;
      if (isLast) return;
      after = page.position;
      await pace.turn();
    }
  }

  private async total(file: string): Promise<number> {
    return (await this.thread.call('state', file)).events;
  }

  /** @throws what the job was aborted with */
  private tell(work: JobWork, step: string, done: number, total?: number): void {
    work.signal.throwIfAborted();
    const most = total === undefined ? {} : { total: Math.max(done, total) };
    work.report({ step, done, ...most, unit: 'events' });
  }
}

/** The service stops under a rebuild: its next life goes on with what is there. */
function mayGoOn({ signal }: JobWork): boolean {
  return signal.aborted && signal.reason instanceof JobInterrupted;
}

function earlier(a: Position | undefined, b: Position): Position {
  return a !== undefined && a < b ? a : b;
}

/** −1 is before the first event. */
function numberOfPlace(position: Position | undefined): number {
  return position === undefined ? -1 : Number(offsetOf(position));
}

function failureOf({ stream, revision, position, type }: RecordedEvent): FoldFailure {
  return {
    taskId: taskIdOfAny(stream) ?? '',
    revision: Number(revision),
    position,
    type,
    error: `What is stored of this event of ${stream} cannot be read.`,
  };
}
