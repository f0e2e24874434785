import type { Json, JobInfo, JobKind, JobState } from '@taskmanager/protocol';
import type { Statement, ViewsDatabase } from '../database/index.js';

/** Jobs that ended are kept for those who ask, the newest so many. */
const KEPT = 1_000;

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
  readonly result: string | null;
  readonly error: string | null;
}

/** What jobs there are and were, in `views.db`: a job outlives its process in here, not in what it does. */
export class JobTable {
  private readonly insert: Statement<[JobRow]>;
  private readonly finish: Statement<[JobState, number, string | null, string | null, string]>;
  private readonly one: Statement<[string], JobRow>;
  private readonly touch: Statement<[number, string]>;
  private readonly stale: Statement<[number], JobRow>;
  private readonly take: Statement<[string, number, string, number]>;
  private readonly before: Statement<[string, string, number], JobRow>;
  private readonly prune: Statement<[number]>;

  constructor({ connection }: ViewsDatabase) {
    this.insert = connection.prepare(
      `INSERT INTO job (id, kind, state, by, args, owner, seen_at, started_at, ended_at, result, error)
       VALUES (@id, @kind, @state, @by, @args, @owner, @seen_at, @started_at, @ended_at, @result, @error)`,
    );
    this.finish = connection.prepare(
      "UPDATE job SET state = ?, ended_at = ?, result = ?, error = ? WHERE id = ? AND state = 'running'",
    );
    this.one = connection.prepare('SELECT * FROM job WHERE id = ?');
    this.touch = connection.prepare(
      "UPDATE job SET seen_at = ? WHERE owner = ? AND state = 'running'",
    );
    this.stale = connection.prepare(
      "SELECT * FROM job WHERE state = 'running' AND seen_at < ? ORDER BY id",
    );
    this.take = connection.prepare(
      "UPDATE job SET owner = ?, seen_at = ? WHERE id = ? AND state = 'running' AND seen_at < ?",
    );
    this.before = connection.prepare(
      'SELECT * FROM job WHERE id < ? AND state IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?',
    );
    this.prune = connection.prepare(
      `DELETE FROM job WHERE state <> 'running'
       AND id <= (SELECT id FROM job ORDER BY id DESC LIMIT 1 OFFSET ?)`,
    );
  }

  /** Ids rise with time. */
  add({ jobId, kind, state, by, args, startedAt }: JobInfo, owner: string): void {
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
      result: null,
      error: null,
    });
    this.prune.run(KEPT);
  }

  /** False when it had ended before. */
  end(
    jobId: string,
    state: Exclude<JobState, 'running'>,
    at: number,
    outcome: { readonly result?: Json; readonly error?: string },
  ): boolean {
    const { result, error } = outcome;
    const text = result === undefined ? null : JSON.stringify(result);
    return this.finish.run(state, at, text, error ?? null, jobId).changes > 0;
  }

  find(jobId: string): JobInfo | undefined {
    const row = this.one.get(jobId);
    return row && toJobInfo(row);
  }

  /** The owner is alive, and so are its jobs. */
  seen(owner: string, at: number): void {
    this.touch.run(at, owner);
  }

  /** Those that run by what they say, but whose process has been silent since before `at`. */
  abandoned(at: number): JobInfo[] {
    return this.stale.all(at).map(toJobInfo);
  }

  /** False when another process was quicker, or it ended. */
  adopt(jobId: string, owner: string, at: number, silentSince: number): boolean {
    return this.take.run(owner, at, jobId, silentSince).changes > 0;
  }

  /** The newest first, older than `before` when it is given. */
  page(states: readonly JobState[], before: string | undefined, limit: number): JobInfo[] {
    return this.before.all(before ?? '~', JSON.stringify(states), limit).map(toJobInfo);
  }
}

function toJobInfo(row: JobRow): JobInfo {
  const { id, kind, state, by, args, started_at, ended_at, result, error } = row;
  return {
    jobId: id,
    kind,
    state,
    by,
    args: JSON.parse(args) as JobInfo['args'],
    startedAt: started_at,
    ...(ended_at !== null && { endedAt: ended_at }),
    ...(result !== null && { result: JSON.parse(result) as Json }),
    ...(error !== null && { error }),
  };
}
