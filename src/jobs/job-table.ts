import type { Json, JobInfo, JobKind, JobProgress, JobState } from '@taskmanager/protocol';
import type { Statement, ViewsDatabase } from '../database/index.js';

/** Jobs that ended are kept for those who ask, the newest so many. */
const KEPT = 1_000;
/** Characters of an error that are kept. */
const ERROR_CHARS = 8_192;

interface JobRow {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly by: string;
  readonly args: string;
  /** The process that runs it, and when it last said so, epoch milliseconds. */
  readonly owner: string;
  readonly seen_at: number;
  readonly started_at: number;
  readonly ended_at: number | null;
  /** How far it was when it was last seen. */
  readonly progress: string | null;
  readonly result: string | null;
  readonly error: string | null;
  /** Somebody wants it to end: who, and why. */
  readonly abort: string | null;
}

/** Whether a running job of the same kind keeps another one from beginning. */
export type IsRival = (running: JobInfo) => boolean;

/** A job whose process is silent, and whether somebody wanted it to end. */
export interface AbandonedJob {
  readonly job: JobInfo;
  readonly abort: string | null;
}

/** What jobs there are and were, in `views.db`: a job outlives its process in here, not in what it does. */
export class JobTable {
  private readonly insert: Statement<[JobRow]>;
  private readonly finish: Statement<
    [JobState, number, string | null, string | null, string, string]
  >;
  private readonly one: Statement<[string], JobRow>;
  private readonly touch: Statement<[number, string | null, string, string], string | null>;
  private readonly wish: Statement<[string, string]>;
  private readonly leave: Statement<[string, string]>;
  private readonly stale: Statement<[number], JobRow>;
  private readonly take: Statement<[string, number, string, number]>;
  private readonly before: Statement<[string, string, number], string>;
  private readonly active: Statement<[JobKind], JobRow>;
  private readonly prune: Statement<[number]>;

  constructor(private readonly database: ViewsDatabase) {
    const { connection } = database;
    const mine = "id = ? AND owner = ? AND state = 'running'";
    this.insert = connection.prepare(
      `INSERT INTO job (id, kind, state, by, args, owner, seen_at, started_at)
       VALUES (@id, @kind, @state, @by, @args, @owner, @seen_at, @started_at)`,
    );
    this.finish = connection.prepare(
      `UPDATE job SET state = ?, ended_at = ?, result = ?, error = ?, progress = NULL WHERE ${mine}`,
    );
    this.one = connection.prepare('SELECT * FROM job WHERE id = ?');
    this.touch = connection
      .prepare<[number, string | null, string, string], string | null>(
        `UPDATE job SET seen_at = ?, progress = ? WHERE ${mine} RETURNING abort`,
      )
      .pluck();
    this.wish = connection.prepare("UPDATE job SET abort = ? WHERE id = ? AND state = 'running'");
    this.leave = connection.prepare(`UPDATE job SET seen_at = 0 WHERE ${mine}`);
    this.stale = connection.prepare(
      "SELECT * FROM job WHERE state = 'running' AND seen_at < ? ORDER BY id",
    );
    this.take = connection.prepare(
      "UPDATE job SET owner = ?, seen_at = ? WHERE id = ? AND state = 'running' AND seen_at < ?",
    );
    this.before = connection
      .prepare<[string, string, number], string>(
        'SELECT id FROM job WHERE id < ? AND state IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?',
      )
      .pluck();
    this.active = connection.prepare("SELECT * FROM job WHERE kind = ? AND state = 'running'");
    this.prune = connection.prepare(
      `DELETE FROM job WHERE state <> 'running'
       AND id <= (SELECT id FROM job ORDER BY id DESC LIMIT 1 OFFSET ?)`,
    );
  }

  /**
   * Ids rise with time. Answers the job of its kind that stands in its way, in any process, and adds
   * nothing then.
   */
  add(job: JobInfo, owner: string, isRival: IsRival): JobInfo | undefined {
    return this.database.write(() => {
      const rival = this.active.all(job.kind).map(toJobInfo).find(isRival);
      if (!rival) this.insertNew(job, owner);
      return rival;
    });
  }

  /** False when it had ended before, or another process has it now. */
  end(
    jobId: string,
    owner: string,
    state: Exclude<JobState, 'running'>,
    at: number,
    outcome: { readonly result?: Json; readonly error?: string },
  ): boolean {
    const { result, error } = outcome;
    const text = result === undefined ? null : JSON.stringify(result);
    return (
      this.finish.run(state, at, text, error?.slice(0, ERROR_CHARS) ?? null, jobId, owner).changes >
      0
    );
  }

  find(jobId: string): JobInfo | undefined {
    const row = this.one.get(jobId);
    return row && toJobInfo(row);
  }

  /**
   * The owner is alive, and the job so far. Answers why somebody wants it to end, null when nobody does,
   * undefined when another process has it now.
   */
  seen(
    jobId: string,
    owner: string,
    at: number,
    progress: JobProgress | undefined,
  ): string | null | undefined {
    return this.touch.get(at, progress ? JSON.stringify(progress) : null, jobId, owner);
  }

  /** Whoever runs it, or goes on with it, is to end it. */
  wantEnd(jobId: string, why: string): void {
    this.wish.run(why, jobId);
  }

  /** The owner goes: somebody else need not wait until it is silent. */
  abandon(jobId: string, owner: string): void {
    this.leave.run(jobId, owner);
  }

  /** Those that run by what they say, but whose process has been silent since before `at`. */
  abandoned(at: number): AbandonedJob[] {
    return this.stale.all(at).map((row) => ({ job: toJobInfo(row), abort: row.abort }));
  }

  /** False when another process was quicker, or it ended. */
  adopt(jobId: string, owner: string, at: number, silentSince: number): boolean {
    return this.take.run(owner, at, jobId, silentSince).changes > 0;
  }

  /** Ids, for results may be large: the newest first, older than `before` when it is given. */
  page(states: readonly JobState[], before: string | undefined, limit: number): string[] {
    return this.before.all(before ?? '~', JSON.stringify(states), limit);
  }

  private insertNew({ jobId, kind, state, by, args, startedAt }: JobInfo, owner: string): void {
    this.insert.run({
      id: jobId,
      kind,
      state,
      by,
      args: JSON.stringify(args),
      owner,
      seen_at: startedAt,
      started_at: startedAt,
      ended_at: null,
      progress: null,
      result: null,
      error: null,
      abort: null,
    });
    this.prune.run(KEPT);
  }
}

function toJobInfo(row: JobRow): JobInfo {
  const { id, kind, state, by, args, started_at, ended_at, progress, result, error } = row;
  return {
    jobId: id,
    kind,
    state,
    by,
    args: JSON.parse(args) as JobInfo['args'],
    startedAt: started_at,
    ...(ended_at !== null && { endedAt: ended_at }),
    ...(progress !== null && { progress: JSON.parse(progress) as JobProgress }),
    ...(result !== null && { result: JSON.parse(result) as Json }),
    ...(error !== null && { error }),
  };
}
