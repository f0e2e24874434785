import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SqliteEventLog, SqliteProcessorStore } from '../../src/event-store/sqlite/index.js';
import { findLimbo } from '../limbo.js';
import { byStream, type LogRow, readLogFile } from './log-rows.js';
import { type KillAt, MortalService } from './mortal-service.js';
import { SagaStory } from './saga-story.js';
import { nothingIsDue } from './sagas-are-done.js';
import { teller } from './teller.js';

/** A checkpoint moves many times; the later ones say nothing new. */
const MOST_OF_A_KIND = 3;
const STORY_MS = 60_000;
const POLL_MS = 50;
/** What was due just before the end may still be to come. */
const GRACE_MS = 2_000;

export interface StoryRun {
  /** Those of the wanted kills that came about. */
  readonly killed: readonly KillAt[];
  readonly problems: readonly string[];
}

/** Every step that the sagas take while the story is told without a kill, each as often as it was taken. */
export async function stepsOfStory(): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'taskmanager-steps-'));
  try {
    const file = join(folder, 'steps');
    const { problems } = await tellStory([], { STEPS_FILE: file });
    if (problems.length > 0) throw new Error(problems.join('\n'));
    const taken = new Set(readFileSync(file, 'utf8').trim().split('\n'));
    return [...taken].filter((step) => Number(/\d+$/.exec(step)?.[0]) <= MOST_OF_A_KIND).sort();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Tells the story to a service that dies at the first kill, is started again and dies at the second, and
 * so on, and looks at what came of it once nothing is missing.
 */
export async function tellStory(
  kills: readonly KillAt[],
  settings: Readonly<Record<string, string>> = {},
): Promise<StoryRun> {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmanager-story-'));
  const service = new MortalService(kills, { ...settings, DATA_DIR: dataDir });
  try {
    const port = await service.begin();
    const story = new SagaStory();
    const problems = await tell(story, service, port, join(dataDir, 'log.db'));
    await service.end();
    const rows = readLogFile(join(dataDir, 'log.db'));
    problems.push(...story.problems(byStream(rows)), ...(await leftBehind(dataDir)));
    problems.push(...(await startedAgain(service, dataDir, rows)));
    return { killed: service.killed, problems };
  } finally {
    await service.end();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function tell(
  story: SagaStory,
  service: MortalService,
  port: number,
  file: string,
): Promise<string[]> {
  const client = await teller(port);
  try {
    await story.begin(client);
    const deadline = performance.now() + STORY_MS;
    for (;;) {
      const missing = story.missing(byStream(readLogFile(file)));
      if (missing === undefined) return [];
      if (service.failure) return [service.failure];
      if (performance.now() > deadline) return [`${missing} has not come\n${service.output()}`];
      await delay(POLL_MS);
    }
  } finally {
    await client.close();
  }
}

/** What nothing will ever move, and what was parked. */
export async function leftBehind(dataDir: string): Promise<string[]> {
  const file = join(dataDir, 'log.db');
  const log = SqliteEventLog.open({ file });
  const store = SqliteProcessorStore.open({ file });
  try {
    const lost = await findLimbo(log, Date.now(), GRACE_MS);
    const problems = lost.map((task) => `in limbo: ${JSON.stringify(task)}`);
    for (const processor of await store.listProcessors()) {
      for (const { error } of await store.listParked(processor)) {
        problems.push(`${processor} parked: ${error}`);
      }
    }
    return problems;
  } finally {
    await store.close();
    await log.close();
  }
}

/** A last start, with time to do something twice. */
async function startedAgain(
  service: MortalService,
  dataDir: string,
  before: readonly LogRow[],
): Promise<string[]> {
  const port = await service.begin();
  const client = await teller(port);
  try {
    await nothingIsDue(client);
  } finally {
    await client.close();
    await service.end();
  }
  const after = readLogFile(join(dataDir, 'log.db'));
  return after
    .slice(before.length)
    .map(({ type, stream }) => `after it was over: ${type} in ${stream}`);
}
