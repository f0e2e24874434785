import type { Database, Statement } from '@taskmanager/sqlite-driver';
import { isFileTrouble, mayHaveHappened, unavailable } from './sqlite-failure.js';

/** A write's answer when it is refused: an answer like any other, after which the flush goes on. */
export class Refused {
  constructor(readonly error: Error) {}
}

/** Told what becomes of each transaction, before those who wait for it. */
export interface CommitObserver {
  committed(): void;
  rolledBack(): void;
}

export interface Write {
  /** Runs inside a transaction, perhaps twice; throws or is {@link Refused} only before it writes. */
  readonly work: () => unknown;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

type Failed = (error: unknown, outcomeUnknown: boolean) => void;

/** One transaction for many writes, so one fsync; each write is answered after the commit. */
export class GroupCommit {
  /** Transactions committed since the file was opened. */
  commits = 0;
  private readonly observers: CommitObserver[] = [];
  private readonly beginStatement: Statement;
  private readonly commitStatement: Statement;

  constructor(private readonly db: Database) {
    this.beginStatement = db.prepare('BEGIN IMMEDIATE');
    this.commitStatement = db.prepare('COMMIT');
  }

  observe(observer: CommitObserver): void {
    this.observers.push(observer);
  }

  /** Takes the file's write lock; throws when another process holds it. */
  begin(): void {
    if (this.db.inTransaction) this.db.exec('ROLLBACK');
    this.beginStatement.run();
  }

  /** Ends the transaction that was begun and answers every write, whatever happens. */
  run(writes: readonly Write[]): void {
    this.transact(writes, (error, outcomeUnknown) => {
      if (writes.length > 1 && !isFileTrouble(error)) for (const write of writes) this.alone(write);
      else for (const write of writes) write.reject(this.failure(error, outcomeUnknown));
    });
  }

  failure(error: unknown, outcomeUnknown = false): Error {
    return unavailable(`cannot write ${this.db.name}`, error, outcomeUnknown);
  }

  /** One write failed for a reason of its own: each of its flush again, so that it disturbs nobody. */
  private alone(write: Write): void {
    const failed: Failed = (error, outcomeUnknown) =>
      write.reject(this.failure(error, outcomeUnknown));
    try {
      this.begin();
    } catch (error) {
      failed(error, false);
      return;
    }
    this.transact([write], failed);
  }

  private transact(writes: readonly Write[], failed: Failed): void {
    let answers: unknown[];
    let committing = false;
    try {
      answers = writes.map((write) => write.work());
      committing = true;
      this.commitStatement.run();
    } catch (error) {
      this.rollBack();
      failed(error, committing && mayHaveHappened(error));
      return;
    }
    this.commits += 1;
    for (const observer of this.observers) observer.committed();
    writes.forEach((write, index) => {
      const answer = answers[index];
      if (answer instanceof Refused) write.reject(answer.error);
      else write.resolve(answer);
    });
  }

  /** SQLite has often rolled back by itself by now; should this fail too, the next `begin` tries again. */
  private rollBack(): void {
    try {
      if (this.db.inTransaction) this.db.exec('ROLLBACK');
    } catch (error) {
      process.emitWarning(unavailable('a failed transaction could not be rolled back yet', error));
    }
    for (const observer of this.observers) observer.rolledBack();
  }
}
