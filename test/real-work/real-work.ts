import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Expected } from './expected.js';
import { WorkPlace } from './work-place.js';

/** `REAL_WORK_FILES=20000 npm test -- real-work` for as many as a large repository has. */
const FILES = Number(process.env['REAL_WORK_FILES'] ?? 300);
const LIMIT_MS = 60_000 + FILES * 40;

let place: WorkPlace;
let expected: Expected;

/**
 * Each story is clone, index and import, all three interrupted in the same way, by the programs that
 * people start; what comes of it is compared with what git and sha256sum say.
 */
const STORIES = {
  run: async () => {
    const directory = join(place.root, 'run');
    await expected.clone(await place.done(await place.clone('run')), directory);
    await expected.index(await place.done(await place.index('run')), directory);
    await expected.import(await place.done(await place.import('run', 'run-store')), directory);

    const again = await place.done(await place.index('run'));
    expect(again.result).toMatchObject({ changed: 0, removed: 0 });
    const store = await place.done(await place.import('run', 'run-store'));
    expect(store.result).toMatchObject({ stored: 0, errorCount: 0 });
  },

  'paused and resumed': async () => {
    const directory = join(place.root, 'paused');
    const clone = await place.cloneToTheMiddle('paused');
    expect(await place.pause(clone)).toMatchObject({ status: 'paused' });
    expect(halves()).toEqual([]);
    expect(existsSync(directory)).toBe(false);
    await expected.clone(await place.resume(clone), directory, { attempt: 2 });

    const index = await place.index('paused');
    await place.middle(index);
    const { checkpoint } = await place.pause(index);
    const { completedItems, totalItems } = checkpoint as Record<string, number>;
    expect(completedItems).toBeLessThan(totalItems as number);
    await expected.index(await place.resume(index), directory, { attempt: 2 });

    const imported = await place.import('paused', 'paused-store', { concurrency: 1 });
    await place.middle(imported);
    const { totalItems: files, checkpoint: at } = await place.pause(imported);
    expect((at as { files: number }).files).toBeLessThan(files as number);
    await expected.import(await place.resume(imported), directory, { attempt: 2 });
  },

  cancelled: async () => {
    const clone = await place.cloneToTheMiddle('not/here');
    await place.cancel(clone);
    expect(existsSync(join(place.root, 'not'))).toBe(false);

    const directory = await place.cloneByGit('cancelled');
    const index = await place.index('cancelled');
    await place.middle(index);
    await place.cancel(index);
    const found = await place.client.searchRepository('cancelled', 'leadingDash');
    expect(found.matches).toMatchObject([{ path: '-leading-dash.js' }]);
    expect(found.indexedAt).toBeUndefined();
    await expected.index(await place.done(await place.index('cancelled')), directory);

    const imported = await place.import('cancelled', 'cancelled-store', { concurrency: 1 });
    await place.middle(imported);
    await place.cancel(imported);
    const before = expected.objects(join(place.root, 'cancelled-store')).length;
    expect(before).toBeGreaterThan(0);
    const next = await place.done(await place.import('cancelled', 'cancelled-store'));
    await expected.import(next, directory, { before });

    // Nobody takes it up, so that nobody finds what it has left but those who look for it.
    const lost = await place.cloneToTheMiddle('lost');
    await place.repositoryWorkers.killAndStart();
    expect(halves()).toEqual([`.taskmanager-clone-${lost}-1`]);
    await place.client.cancelTask(lost);
    await place.until(() => halves().length === 0);
    expect((await place.client.getTask(lost)).attempt).toBe(1);
  },

  'killed and resumed': async () => {
    const directory = await place.cloneByGit('killed');
    const clone = await place.cloneToTheMiddle('killed-clone');
    const index = await place.index('killed');
    const imported = await place.import('killed', 'killed-store', { concurrency: 1 });
    await Promise.all([
      place.middle(index).then(() => place.repositoryWorkers.killAndStart()),
      place.middle(imported).then(() => place.fileWorkers.killAndStart()),
    ]);
    expect(existsSync(join(place.root, 'killed-clone'))).toBe(false);
    const whole = { attempt: 2, stallCount: 1 };
    await expected.clone(await place.done(clone), join(place.root, 'killed-clone'), whole);
    await expected.index(await place.done(index), directory, whole);
    await expected.import(await place.done(imported), directory, whole);
    expect(halves()).toEqual([]);
  },
};

export type Story = keyof typeof STORIES;
export const ALL = Object.keys(STORIES) as Story[];

/** What is on its way to be a clone. */
const halves = () =>
  readdirSync(place.root).filter((name) => name.startsWith('.taskmanager-clone-'));

/** @param few these stories; all of them when they are run by hand */
export function realWork(few: readonly Story[] = ALL): void {
  const stories = process.env['REAL_WORK_FILES'] === undefined ? few : ALL;

  beforeAll(async () => {
    place = await WorkPlace.open(FILES);
    expected = new Expected(place);
  }, LIMIT_MS);

  afterAll(async () => {
    expect(await place.close()).toEqual([]);
  }, LIMIT_MS);

  it.each(stories)(
    'clones, indexes and imports what git and sha256sum say is there: %s',
    (story) => STORIES[story](),
    LIMIT_MS,
  );
}
