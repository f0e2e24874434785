import { expect } from '@jest/globals';
import { readdirSync, rmSync } from 'node:fs';
import Sqlite from '@taskmanager/sqlite-driver';
import { SystemClock } from '../../context/index.js';
import { ViewsDatabase } from '../../database/index.js';
import type { EventLog } from '../../event-store/index.js';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import type { JobWork } from '../../jobs/index.js';
import { temporaryFolder } from '../views.fixture.js';
import { AuditLog } from './audit-log.fixture.js';
import { AuditRun } from './audit-run.js';
import type { AuditSearchRequest } from './audit-search.js';
import { AuditThread } from './audit-thread.js';

/** Events that the log begins with. */
export const EVENTS = 1_200;
/** The one job that runs. */
export const JOB = 'job';
export const ALL: AuditSearchRequest = { order: 'asc', limit: 10_000 };

/** One process on the data folder, as far as the audit knows it. */
export interface Process {
  readonly run: AuditRun;
  readonly thread: AuditThread;
  readonly database: ViewsDatabase;
  readonly told: string[];
  readonly log: EventLog;
}

/** For tests: a data folder with an audit and a log, and the processes on it. */
export class AuditFolder {
  readonly audit = new AuditLog(new MemoryEventLog());
  readonly processes: Process[] = [];
  private readonly folder = temporaryFolder();

  static async filled(): Promise<AuditFolder> {
    const folder = new AuditFolder();
    await folder.audit.fill(EVENTS);
    return folder;
  }

  async close(): Promise<void> {
    for (const one of [...this.processes]) await this.stop(one);
    this.folder.remove();
  }

  path(name: string): string {
    return this.folder.path(name);
  }

  /** Takes a database away. */
  remove(name: string): void {
    for (const end of ['', '-wal', '-shm']) rmSync(this.path(`${name}${end}`), { force: true });
  }

  async started(log?: EventLog): Promise<Process> {
    const process = await this.opened(log);
    process.run.start();
    return process;
  }

  /** Its loop stands still yet. */
  async opened(log: EventLog = this.audit.log): Promise<Process> {
    const database = await ViewsDatabase.open(this.path('views.db'), () => undefined);
    const thread = new AuditThread();
    const told: string[] = [];
    const clock = new SystemClock();
    const tell = (message: string) => void told.push(message);
    const jobs = { isRunning: (jobId: string) => jobId === JOB };
    const run = new AuditRun({ database, log, clock, thread, jobs, tell });
    const process = { run, thread, database, told, log };
    this.processes.push(process);
    return process;
  }

  async stop(process: Process): Promise<void> {
    this.processes.splice(this.processes.indexOf(process), 1);
    await process.run.stop();
    await process.thread.close();
    process.database.close();
  }

  async caughtUp(log?: EventLog): Promise<Process> {
    const process = await this.started(log);
    await reached(process);
    return process;
  }

  /** Ids of all events that the log was given. */
  written(): readonly string[] {
    return this.audit.written.map(({ eventId }) => eventId);
  }

  /** Names of the audit's files. */
  files(): readonly string[] {
    return readdirSync(this.path('.')).filter((name) => /^audit-\d+\.db$/.test(name));
  }
}

export async function reached({ run, log }: Process): Promise<void> {
  const head = await log.head();
  expect(head && (await run.waiters.wait(head, 20_000))).toBe('reached');
}

/** Ids of all events that the file which serves has. */
export async function rowsOf({ run, thread }: Process): Promise<readonly string[]> {
  return (await thread.call('page', run.file ?? 'none serves', ALL)).rows.map(
    ({ eventId }) => eventId,
  );
}

export const states = ({ run }: Process): readonly string[] =>
  run.builds.generations.of('audit').map(({ generation, state }) => `${generation} ${state}`);

/** A job's work; `onReport` may abort it. */
export function work(
  onReport: (abort: AbortController, done: number, step?: string) => unknown = () => undefined,
  jobId = JOB,
): JobWork {
  const abort = new AbortController();
  return { jobId, signal: abort.signal, report: ({ done, step }) => onReport(abort, done, step) };
}

/** Changes a file of the audit behind its back. */
export function change(file: string, sql: string): void {
  const db = new Sqlite(file);
  db.exec(sql);
  db.close();
}
