import type { Position } from '@taskmanager/protocol';
import type { Database } from '@taskmanager/sqlite-driver';
import type { ParkedEvent, ParkedWish, ProcessorLease } from '../processor-store.port.js';

/** What an event need not have is null in its row. */
type ParkedRow = Omit<ParkedEvent, 'type' | 'wanted'> & {
  readonly type: string | null;
  readonly wanted: ParkedWish | null;
};

interface LeaseRow {
  readonly owner: string | null;
  readonly epoch: number;
  readonly expiresAt: number;
}

/** The statements behind the processor store; those that change something run in a write transaction. */
export class ProcessorTables {
  private readonly sql;

  constructor(db: Database) {
    const parked = `SELECT processor, stream, position, event_id AS eventId, revision, type, error, attempts,
        parked_at AS parkedAt, wanted
      FROM parked WHERE processor = ?`;
    this.sql = {
      processors: db
        .prepare<[], string>(
          `SELECT processor FROM checkpoint UNION SELECT processor FROM pause
           UNION SELECT processor FROM parked ORDER BY processor`,
        )
        .pluck(),
      checkpoint: db
        .prepare<[string], Position>('SELECT position FROM checkpoint WHERE processor = ?')
        .pluck(),
      firstCheckpoint: db.prepare<[string, string]>(
        'INSERT INTO checkpoint (processor, position) VALUES (?, ?) ON CONFLICT DO NOTHING',
      ),
      moveCheckpoint: db.prepare<[string, string, string]>(
        'UPDATE checkpoint SET position = ? WHERE processor = ? AND position = ?',
      ),
      lease: db.prepare<[string], LeaseRow>(
        'SELECT owner, epoch, expires_at AS expiresAt FROM lease WHERE processor = ?',
      ),
      setLease: db.prepare<[string, string, number, number]>(
        `INSERT INTO lease (processor, owner, epoch, expires_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (processor) DO UPDATE
           SET owner = excluded.owner, epoch = excluded.epoch, expires_at = excluded.expires_at`,
      ),
      releaseLease: db.prepare<[string, string]>(
        'UPDATE lease SET owner = NULL, expires_at = 0 WHERE processor = ? AND owner = ?',
      ),
      park: db.prepare<[ParkedRow]>(
        `INSERT INTO parked (processor, position, stream, event_id, revision, type, error, attempts,
           parked_at, wanted)
         VALUES (@processor, @position, @stream, @eventId, @revision, @type, @error, @attempts,
           @parkedAt, @wanted)
         ON CONFLICT (processor, position) DO UPDATE
           SET error = excluded.error, attempts = excluded.attempts, wanted = excluded.wanted`,
      ),
      parked: db.prepare<[string], ParkedRow>(`${parked} ORDER BY position`),
      wanted: db.prepare<[string], ParkedRow>(`${parked} AND wanted IS NOT NULL ORDER BY position`),
      want: db.prepare<[ParkedWish, string, string]>(
        'UPDATE parked SET wanted = ? WHERE processor = ? AND position = ?',
      ),
      unpark: db.prepare<[string, string]>(
        'DELETE FROM parked WHERE processor = ? AND position = ?',
      ),
      pause: db.prepare<[string]>(
        'INSERT INTO pause (processor) VALUES (?) ON CONFLICT DO NOTHING',
      ),
      resume: db.prepare<[string]>('DELETE FROM pause WHERE processor = ?'),
      paused: db.prepare<[string], number>('SELECT 1 FROM pause WHERE processor = ?').pluck(),
    };
  }

  processors(): readonly string[] {
    return this.sql.processors.all();
  }

  checkpoint(processor: string): Position | undefined {
    return this.sql.checkpoint.get(processor);
  }

  moveCheckpoint(processor: string, expected: Position | undefined, position: Position): boolean {
    const { changes } =
      expected === undefined
        ? this.sql.firstCheckpoint.run(processor, position)
        : this.sql.moveCheckpoint.run(position, processor, expected);
    return changes === 1;
  }

  /** A released lease keeps its row, because epochs must go on rising. */
  acquireLease(
    processor: string,
    owner: string,
    expiresAt: number,
    now: number,
  ): ProcessorLease | undefined {
    const held = this.sql.lease.get(processor);
    const own = held?.owner === owner;
    if (held?.owner && !own && held.expiresAt > now) return undefined;
    const epoch = (held?.epoch ?? 0) + (own ? 0 : 1);
    this.sql.setLease.run(processor, owner, epoch, expiresAt);
    return { owner, epoch, expiresAt };
  }

  lease(processor: string): ProcessorLease | undefined {
    const held = this.sql.lease.get(processor);
    return held?.owner ? { ...held, owner: held.owner } : undefined;
  }

  releaseLease(processor: string, owner: string): void {
    this.sql.releaseLease.run(processor, owner);
  }

  park(event: ParkedEvent): void {
    this.sql.park.run({ ...event, type: event.type ?? null, wanted: event.wanted ?? null });
  }

  parked(processor: string): readonly ParkedEvent[] {
    return this.sql.parked.all(processor).map(parkedEvent);
  }

  wanted(processor: string): readonly ParkedEvent[] {
    return this.sql.wanted.all(processor).map(parkedEvent);
  }

  want(processor: string, position: Position, wish: ParkedWish): boolean {
    return this.sql.want.run(wish, processor, position).changes === 1;
  }

  unpark(processor: string, position: Position): boolean {
    return this.sql.unpark.run(processor, position).changes === 1;
  }

  setPaused(processor: string, paused: boolean): void {
    if (paused) this.sql.pause.run(processor);
    else this.sql.resume.run(processor);
  }

  isPaused(processor: string): boolean {
    return this.sql.paused.get(processor) === 1;
  }
}

function parkedEvent({ type, wanted, ...event }: ParkedRow): ParkedEvent {
  return { ...event, ...(type !== null && { type }), ...(wanted !== null && { wanted }) };
}
