import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { byStream, readLogFile } from './log-rows.js';
import { MortalService } from './mortal-service.js';
import { SagaStory } from './saga-story.js';
import { leftBehind } from './saga-steps.js';
import { teller } from './teller.js';

/** Stories that are being begun at a time, by each of the two clients. */
const TELLERS = 4;
const PAUSE_MS = 100;
/** The longest part of a story, and time to catch up. */
const END_MS = 90_000;
/** Of what a service has said, so much is told when the run fails. */
const SAID_CHARS = 1_500;

export interface TwoProcessesRun {
  readonly stories: number;
  readonly kills: number;
  readonly events: number;
  readonly problems: readonly string[];
}

/**
 * Two processes of the service on one folder, each killed in turn every few seconds, while stories are
 * begun over both. Nothing may happen twice, and nothing may be left out.
 */
export async function twoProcesses(ms: number, killEveryMs: number): Promise<TwoProcessesRun> {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmanager-two-'));
  const services = [0, 1].map(() => new MortalService([], { DATA_DIR: dataDir }));
  const stories: SagaStory[] = [];
  const file = join(dataDir, 'log.db');
  let kills = 0;
  try {
    const ports: number[] = [];
    for (const service of services) ports.push(await service.begin());
    const clients = await Promise.all(ports.map((port) => teller(port)));
    // Both serve by then: where that takes long, hardly any time would be left for kills.
    await Promise.all(clients.map((client) => client.listTasks({ limit: 1 })));
    const until = performance.now() + ms;
    const tellers = clients.flatMap((client) =>
      Array.from({ length: TELLERS }, async () => {
        while (performance.now() < until) {
          const story = new SagaStory();
          await story.begin(client);
          stories.push(story);
          await delay(PAUSE_MS);
        }
      }),
    );
    while (performance.now() + killEveryMs < until) {
      await delay(killEveryMs);
      services[kills++ % services.length]?.kill();
    }
    await Promise.all(tellers);
    await Promise.all(clients.map((client) => client.close()));

    const problems = await whenOver(stories, services, file);
    await Promise.all(services.map((service) => service.end()));
    const rows = readLogFile(file);
    const streams = byStream(rows);
    for (const story of stories) problems.push(...story.problems(streams));
    problems.push(...(await leftBehind(dataDir)));
    return { stories: stories.length, kills, events: rows.length, problems };
  } catch (error) {
    // When nobody answers, what the services have said tells why.
    const failures = services.flatMap(({ failure }) => failure?.slice(-SAID_CHARS) ?? []);
    const said = services.map((each) => each.output().slice(-SAID_CHARS));
    throw new Error([...failures, String(error), ...said].join('\n'), { cause: error });
  } finally {
    await Promise.all(services.map((service) => service.end()));
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function whenOver(
  stories: readonly SagaStory[],
  services: readonly MortalService[],
  file: string,
): Promise<string[]> {
  const deadline = performance.now() + END_MS;
  for (;;) {
    const streams = byStream(readLogFile(file));
    const missing = stories.flatMap((story) => story.missing(streams) ?? []);
    const failures = services.flatMap(({ failure }) => failure ?? []);
    if (missing.length === 0 || failures.length > 0) return failures;
    if (performance.now() > deadline) return [`${missing.length} things missing: ${missing[0]}`];
    await delay(250);
  }
}
