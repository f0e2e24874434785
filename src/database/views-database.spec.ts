import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from '@taskmanager/sqlite-driver';
import { ViewsDatabase } from './views-database.js';
import { ViewsFromNewerRelease } from './views-database.errors.js';

describe('the views database', () => {
  let folder: string;
  const told: string[] = [];
  const file = () => join(folder, 'views.db');
  const open = () => ViewsDatabase.open(file(), (message) => told.push(message));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'views-'));
    told.length = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is in WAL mode and need not reach the disk with every commit', async () => {
    const views = await open();
    expect(views.connection.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(views.connection.pragma('synchronous', { simple: true })).toBe(1);
    views.close();
  });

  it('keeps what is in it from one opening to the next, without a word', async () => {
    (await open()).close();
    const views = await open();
    expect(views.connection.prepare('SELECT count(*) FROM view_generation').pluck().get()).toBe(0);
    expect(told).toEqual([]);
    views.close();
  });

  it('brings up a file that has had no migration yet', async () => {
    new Database(file()).exec('CREATE TABLE older (a)').close();
    const views = await open();
    expect(views.connection.prepare('SELECT * FROM view_generation').all()).toEqual([]);
    views.close();
  });

  it('refuses a file of a newer release and says what to do', async () => {
    const views = await open();
    views.connection
      .prepare("INSERT INTO kysely_migration (name, timestamp) VALUES ('999_later', '')")
      .run();
    views.close();
    const refused = open();
    await expect(refused).rejects.toThrow(ViewsFromNewerRelease);
    await expect(refused).rejects.toThrow(/999_later.*delete .*views\.db/s);
  });

  it('sets a file aside that is no database, tells, and begins anew', async () => {
    writeFileSync(file(), 'no database at all, whatever its name says'.repeat(50));
    const views = await open();
    expect(views.connection.prepare('SELECT * FROM view_generation').all()).toEqual([]);
    expect(told).toEqual([expect.stringMatching(/cannot be read.*rebuilt from the event log/)]);
    expect(existsSync(`${file()}.broken`)).toBe(true);
    views.close();
  });

  it('undoes all of a write that throws', async () => {
    const views = await open();
    const write = () =>
      views.write(() => {
        views.connection.exec(
          "INSERT INTO view_generation VALUES ('v', 1, 1, 'x', 'building', NULL, NULL, 0, NULL)",
        );
        throw new Error('half-way');
      });
    expect(write).toThrow('half-way');
    expect(views.connection.prepare('SELECT * FROM view_generation').all()).toEqual([]);
    views.close();
  });
});
