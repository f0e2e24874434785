import type { Database, Statement } from '@taskmanager/sqlite-driver';

const SPACE_BYTES = 16 * 1024;

/** Finds out, inside a transaction, whether a write would be accepted: space first, then a tiny write. */
export class WriteProbe {
  private readonly takeSpace: Statement;
  private readonly touch: Statement;

  constructor(private readonly db: Database) {
    this.takeSpace = db.prepare(
      `INSERT INTO snapshot (stream, revision, version, state)
       VALUES ('', 0, 0, zeroblob(${SPACE_BYTES}))`,
    );
    this.touch = db.prepare('UPDATE log SET probe = 1 - probe');
  }

  run(): void {
    this.db.exec('SAVEPOINT probe');
    this.takeSpace.run();
    this.db.exec('ROLLBACK TO probe; RELEASE probe');
    this.touch.run();
  }
}
