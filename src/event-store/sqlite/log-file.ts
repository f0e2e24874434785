import type { Database } from '@taskmanager/sqlite-driver';
import { LogUnavailable } from '../event-log.errors.js';
import { connect, type Durability } from './connection.js';
import { LogWriter, type BatchWriter } from './log-writer.js';
import { ReadTurns } from './read-turns.js';
import { readLogId } from './schema.js';
import { unavailable } from './sqlite-failure.js';
import { settingsOf, type SqliteEventStoreOptions, type SqliteSettings } from './sqlite-options.js';
import { ThreadedLogWriter } from './threaded-log-writer.js';
import { WriteQueue } from './write-queue.js';

/**
 * The log's file and this process's access to it, shared by the event log and the processor store, so
 * that their writes share commits and their reads a warm cache. Reads are synchronous. Writes go
 * through one queue to one writer, in this thread or, when the options name one, in a thread of its own.
 */
export class LogFile {
  readonly logId: string;
  readonly queue: WriteQueue;
  private readonly writer: BatchWriter;
  private readonly turns = new ReadTurns();
  private owners = 0;
  private closing: Promise<void> | undefined;

  private constructor(
    readonly db: Database,
    readonly settings: SqliteSettings,
    writerThread: URL | undefined,
  ) {
    this.logId = readLogId(db);
    this.writer = writerThread
      ? new ThreadedLogWriter(writerThread, settings)
      : new LogWriter(db, settings.cachedHeads);
    this.queue = new WriteQueue(this.writer, settings);
  }

  /**
   * Creates or opens the file; LogUnavailable says what is wrong with it. With the compiled program of
   * `log-writer.thread.ts`, commits wait for the disk beside the event loop; else this thread writes.
   */
  static open(options: SqliteEventStoreOptions, writerThread?: URL): LogFile {
    const settings = settingsOf(options);
    return new LogFile(connect(settings), settings, writerThread);
  }

  /** Each adapter on this file retains it and releases it when it is closed. */
  retain(): void {
    this.owners += 1;
  }

  /** Ends what was queued; the last owner closes the connection. */
  async release(): Promise<void> {
    await this.queue.drain();
    this.owners -= 1;
    if (this.owners > 0) return;
    this.closing ??= this.close();
    await this.closing;
  }

  /** Runs a read; a failure of SQLite becomes LogUnavailable. */
  read<T>(query: () => T): T {
    if (!this.db.open) throw new LogUnavailable(`${this.settings.file} is closed`, false);
    try {
      return query();
    } catch (error) {
      throw unavailable(`cannot read ${this.settings.file}`, error);
    }
  }

  /**
   * A read of many rows. Past a budget it gives way to the event loop first, or a long replay would
   * stop everything else.
   */
  async readInTurn<T>(query: () => T, rowsOf: (answer: T) => number): Promise<T> {
    await this.turns.next();
    const answer = this.read(query);
    this.turns.spent(rowsOf(answer));
    return answer;
  }

  /** How the writing connection is really set. */
  durability(): Promise<Durability> {
    return this.queue.run('durability', []);
  }

  private async close(): Promise<void> {
    await this.queue.close();
    try {
      await this.writer.close();
    } finally {
      this.db.close();
    }
  }
}
