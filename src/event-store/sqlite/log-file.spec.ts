import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import SqliteDatabase from '@taskmanager/sqlite-driver';
import { temporaryFolder } from '../../../test/contract/temporary-folder.js';
import { LogUnavailable } from '../event-log.errors.js';
import { LogFile } from './log-file.js';
import { MIGRATIONS, migrate, numberPragma } from './schema.js';
import { SqliteEventLog } from './sqlite-event-log.js';
import { SqliteProcessorStore } from './sqlite-processor-store.js';

describe('the file of the log', () => {
  let place: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => (place = await temporaryFolder('log.db')));
  afterEach(() => place.remove());

  function opening(file = place.file): string {
    try {
      LogFile.open({ file });
    } catch (error) {
      expect(error).toBeInstanceOf(LogUnavailable);
      expect(error).toMatchObject({ outcomeUnknown: false });
      return (error as Error).message;
    }
    throw new Error(`${file} was opened.`);
  }

  it('is written in WAL mode with an fsync at each commit, on the connection that writes', async () => {
    const file = LogFile.open({ file: place.file });
    const log = new SqliteEventLog(file);
    expect(await file.durability()).toEqual({ journalMode: 'wal', synchronous: 2 });
    expect(numberPragma(file.db, 'busy_timeout')).toBeLessThanOrEqual(50);
    expect(numberPragma(file.db, 'wal_autocheckpoint')).toBe(4_000);
    await log.append('s', 'any', [{ id: 'a', type: 'T', data: '{}', metadata: '{}' }]);
    expect(statSync(`${place.file}-wal`).size).toBeGreaterThan(0);
    expect(await file.durability()).toEqual({ journalMode: 'wal', synchronous: 2 });
    await log.close();
  });

  it('gets an id at its creation and keeps it', async () => {
    const first = SqliteEventLog.open({ file: place.file });
    await first.close();
    const again = SqliteEventLog.open({ file: place.file });
    const other = SqliteEventLog.open({ file: join(place.folder, 'other.db') });
    expect(first.logId).toMatch(/^[0-9a-f]{8}$/);
    expect(again.logId).toBe(first.logId);
    expect(other.logId).not.toBe(first.logId);
    await Promise.all([again.close(), other.close()]);
  });

  it('keeps everything when it is opened again', async () => {
    const event = { id: 'a', type: 'T', data: '{"a":1}', metadata: '{"b":2}' };
    const first = SqliteEventLog.open({ file: place.file });
    const { position } = await first.append('s', 'no_stream', [event]);
    await first.close();
    expect(statSync(place.file).size).toBeGreaterThan(4_096);
    const again = SqliteEventLog.open({ file: place.file });
    expect(await again.readStream('s')).toEqual([
      { ...event, stream: 's', revision: 0n, position },
    ]);
    expect(await again.append('s', 'no_stream', [event])).toMatchObject({
      repeated: true,
      position,
    });
    await again.close();
  });

  it('is brought to the newest schema when it is older, in one step or not at all', () => {
    const db = new SqliteDatabase(place.file);
    migrate(db);
    const newer = [...MIGRATIONS, 'CREATE TABLE extra (n)', "INSERT INTO extra VALUES ('kept')"];
    expect(() => migrate(db, [...newer, 'NO SQL'])).toThrow();
    expect(numberPragma(db, 'user_version')).toBe(MIGRATIONS.length);
    migrate(db, newer);
    migrate(db, newer);
    expect(db.prepare('SELECT n FROM extra').pluck().all()).toEqual(['kept']);
    expect(numberPragma(db, 'user_version')).toBe(newer.length);
    db.close();
  });

  it('keeps what an older version parked, with the revision that it did not write down', async () => {
    const db = new SqliteDatabase(place.file);
    migrate(db, MIGRATIONS.slice(0, 1));
    db.exec(`INSERT INTO stream VALUES (7, 'task-1');
      INSERT INTO event VALUES (12, 7, 4, 'a', 'TaskFailed', '{}', '{}')`);
    const park = db.prepare(
      "INSERT INTO parked VALUES ('p', '0a1b2c3d:' || ?, 'task-1', ?, 'no', 5, 1)",
    );
    park.run('00000000000000000012', 'a');
    park.run('00000000000000000013', 'missing');
    db.close();
    const store = SqliteProcessorStore.open({ file: place.file });
    expect(await store.listParked('p')).toMatchObject([
      { eventId: 'a', revision: 4, type: 'TaskFailed', error: 'no', attempts: 5 },
      { eventId: 'missing', revision: 0 },
    ]);
    await store.close();
  });

  it('is refused when a newer version wrote it', () => {
    const db = new SqliteDatabase(place.file);
    migrate(db, [...MIGRATIONS, 'CREATE TABLE extra (n)']);
    db.close();
    expect(opening()).toMatch(/has schema 3, this program knows up to 2.*newer version/);
  });

  it('is refused when it is a database of something else, or no database', () => {
    const db = new SqliteDatabase(place.file);
    db.exec('CREATE TABLE view (n)');
    db.close();
    expect(opening()).toMatch(/something else/);
    const text = join(place.folder, 'text.db');
    writeFileSync(text, 'no database '.repeat(1_000));
    expect(opening(text)).toMatch(/cannot open .*text\.db: file is not a database/);
  });

  it('is refused with its name when it cannot be created or written', () => {
    expect(opening(join(place.folder, 'missing', 'log.db'))).toMatch(/missing.*directory does not/);
    mkdirSync(join(place.folder, 'folder.db'));
    expect(opening(join(place.folder, 'folder.db'))).toMatch(/cannot open .*folder\.db/);
    const locked = join(place.folder, 'locked');
    mkdirSync(locked);
    chmodSync(locked, 0o500);
    // The superuser may write everywhere.
    if (process.getuid?.() !== 0) expect(opening(join(locked, 'log.db'))).toMatch(/cannot open/);
  });
});
