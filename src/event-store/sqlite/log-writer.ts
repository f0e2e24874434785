import type { Database, Statement } from '@taskmanager/sqlite-driver';
import {
  isBusy,
  isFileTrouble,
  mayHaveHappened,
  unavailable,
  writeFailure,
  type WriteFailure,
} from './sqlite-failure.js';
import { writeOperations, type WriteOperation } from './write-operations.js';

/** What became of one operation. */
export type WriteAnswer =
  { readonly value: unknown; readonly failure?: undefined } | { readonly failure: WriteFailure };

/** The write lock was not had. `busy`: another process holds it, so trying again soon may work. */
export interface NotBegun {
  readonly notBegun: WriteFailure;
  readonly busy: boolean;
}

/** What became of a batch: an answer for each operation, or nothing of it was begun. */
export type BatchOutcome = { readonly answers: readonly WriteAnswer[] } | NotBegun;

/** Writes batches, one after the other. Never throws for what SQLite says. */
export interface BatchWriter {
  write(batch: readonly WriteOperation[]): BatchOutcome | Promise<BatchOutcome>;
  /** Moves the WAL into the file; the connection may be closed afterwards. */
  close(): void | Promise<void>;
}

/** The file's one writing connection: one transaction, so one fsync, for many operations. */
export class LogWriter implements BatchWriter {
  private readonly beginStatement: Statement;
  private readonly commitStatement: Statement;
  private readonly tables: ReturnType<typeof writeOperations>;

  constructor(
    private readonly db: Database,
    cachedHeads: number,
  ) {
    this.beginStatement = db.prepare('BEGIN IMMEDIATE');
    this.commitStatement = db.prepare('COMMIT');
    this.tables = writeOperations(db, cachedHeads);
  }

  write(batch: readonly WriteOperation[]): BatchOutcome {
    try {
      this.begin();
    } catch (error) {
      return { notBegun: this.failure(error, false), busy: isBusy(error) };
    }
    return { answers: this.transact(batch, (error) => batch.length > 1 && !isFileTrouble(error)) };
  }

  close(): void {
    try {
      this.db.pragma('wal_checkpoint(TRUNCATE)');
    } catch (error) {
      // The WAL is as durable as the file: the next one to open it carries on from there.
      process.emitWarning(unavailable('the WAL stays behind on close', error));
    }
  }

  /** Takes the file's write lock; throws when another process holds it. */
  private begin(): void {
    if (this.db.inTransaction) this.db.exec('ROLLBACK');
    this.beginStatement.run();
    this.tables.events.began();
  }

  private transact(
    batch: readonly WriteOperation[],
    oneByOneAfter: (error: unknown) => boolean,
  ): WriteAnswer[] {
    const answers: WriteAnswer[] = [];
    let committing = false;
    try {
      for (const operation of batch) answers.push({ value: this.run(operation) });
      committing = true;
      this.commitStatement.run();
      return answers;
    } catch (error) {
      this.rollBack();
      if (oneByOneAfter(error)) return batch.flatMap((operation) => this.alone(operation));
      const failure = this.failure(error, committing && mayHaveHappened(error));
      return batch.map(() => ({ failure }));
    }
  }

  /** One write failed for a reason of its own: each of its batch again, so that it disturbs nobody. */
  private alone(operation: WriteOperation): readonly WriteAnswer[] {
    try {
      this.begin();
    } catch (error) {
      return [{ failure: this.failure(error, false) }];
    }
    return this.transact([operation], () => false);
  }

  private run({ name, args }: WriteOperation): unknown {
    return (this.tables.operations[name] as (...args: unknown[]) => unknown)(...args);
  }

  /** SQLite has often rolled back by itself by now; should this fail too, the next `begin` tries again. */
  private rollBack(): void {
    try {
      if (this.db.inTransaction) this.db.exec('ROLLBACK');
    } catch (error) {
      process.emitWarning(unavailable('a failed transaction could not be rolled back yet', error));
    }
    this.tables.events.rolledBack();
  }

  private failure(error: unknown, outcomeUnknown: boolean): WriteFailure {
    return writeFailure(`cannot write ${this.db.name}`, error, outcomeUnknown);
  }
}
