import { Injectable, Logger } from '@nestjs/common';
import type { BackupReport, JobAnswer } from '@taskmanager/protocol';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, Settings } from '../config/index.js';
import { Clock, Refusal, whoAndWhy } from '../context/index.js';
import { LogFiles } from '../event-store/index.js';
import { Jobs, type JobWork } from '../jobs/index.js';
import { backupNameOf } from './backup-name.js';
import type { Backup } from './backup.command.js';
import { copyLog } from './copied-log.js';
import { copyInThread } from './copy-in-thread.js';
import { logFileOf, writeManifest } from './manifest.js';

const THREAD = new URL('./backup.thread.js', import.meta.url);
/** What is being made, by the id of its job. */
const PARTIAL = '.partial-';
/** What another service left behind: a backup takes less. */
const FORGOTTEN_MS = 24 * 3_600_000;

const { version: RELEASE } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { readonly version: string };

/**
 * Backups of the embedded log: a copy that was read again, every hash chain of it, before the backup is
 * there under its name. What fails or is aborted leaves nothing. Views are not in it: they are rebuilt.
 */
@Injectable()
export class Backups {
  private readonly logger = new Logger('Backup');

  constructor(
    private readonly settings: Settings,
    private readonly jobs: Jobs,
    private readonly files: LogFiles,
    private readonly clock: Clock,
  ) {}

  /** @throws Refusal when the log is in a cluster, or the name is taken, be it by one that is being made */
  start(command: Backup): JobAnswer {
    const { eventStore, backupDir } = this.settings;
    if (eventStore !== 'sqlite') {
      throw new Refusal(
        'VALIDATION_FAILED',
        'The log is in a cluster, which has backups of its own. As a file: npm run log:copy -- --from eventstoredb: --to sqlite:<folder>.',
      );
    }
    const name = command.name ?? backupNameOf(this.clock.now());
    const directory = join(backupDir, name);
    if (existsSync(directory)) {
      throw new Refusal('CONFLICT', `There is a backup ${name} already.`, { field: 'name' });
    }
    const make = (work: JobWork) => this.make(directory, work);
    const answer = this.jobs.start('backup', command, make, ({ args }) => args['name'] === name);
    this.logger.log(`Backup ${directory} is made for ${whoAndWhy(command)}`);
    return answer;
  }

  private async make(directory: string, work: JobWork): Promise<BackupReport> {
    const { backupDir, dataDir } = this.settings;
    const from = logFileOf(dataDir);
    makeFolder(backupDir);
    await this.sweep();
    await checkRoom(from, backupDir);
    const partial = join(backupDir, `${PARTIAL}${work.jobId}`);
    await mkdir(partial);
    try {
      const to = logFileOf(partial);
      const { log, file } = existsSync(THREAD)
        ? await copyInThread(THREAD, { from, to }, work)
        : // There is none to run where the service runs from its sources.
          await copyLog(this.files, from, to, work);
      await writeManifest(partial, { madeAt: this.clock.now(), release: RELEASE, log, file });
      await syncFolder(partial);
      work.signal.throwIfAborted();
      await rename(partial, directory);
      await syncFolder(backupDir);
      const { events, position } = log;
      return { directory, bytes: file.bytes, events, ...(position !== undefined && { position }) };
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
  }

  /** Removes what processes that were killed have left behind. */
  private async sweep(): Promise<void> {
    const { backupDir } = this.settings;
    for (const name of await readdir(backupDir)) {
      if (!name.startsWith(PARTIAL)) continue;
      const folder = join(backupDir, name);
      const job = this.jobs.find(name.slice(PARTIAL.length));
      // Gone, when another backup has just been done, or has removed it.
      const mtimeMs = await stat(folder).then(
        (stats) => stats.mtimeMs,
        () => Infinity,
      );
      // One that is not known here may be of another service, which is making it.
      const isOver = job ? job.state !== 'running' : this.clock.now() - mtimeMs > FORGOTTEN_MS;
      if (isOver) await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Rather now than when the disk is full, which may be the log's own. */
async function checkRoom(file: string, folder: string): Promise<void> {
  const { size } = await stat(file);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize > size) return;
  const mebibytes = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
  throw new Error(
    `${folder} has room for ${mebibytes(bavail * bsize)}, the log takes ${mebibytes(size)}: free some, or set BACKUP_DIR.`,
  );
}

/** A name is durable when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
