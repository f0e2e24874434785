import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LogFile, SqliteEventLog } from '../src/event-store/sqlite/index.js';
import { temporaryFolder } from './contract/temporary-folder.js';
import { spawnService } from './service.js';

const COMMANDS = 100;
const COUNTER = fileURLToPath(new URL('./crash/count-syncs.cc', import.meta.url));

let place: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => (place = await temporaryFolder('log.db')));
afterAll(() => place?.remove());

describe('What is acknowledged', () => {
  it('is written by a connection in WAL mode that syncs at each commit, before and after it writes', async () => {
    const file = LogFile.open({ file: place.file });
    const log = new SqliteEventLog(file);
    // 2 is FULL: https://sqlite.org/pragma.html#pragma_synchronous
    const durable = { journalMode: 'wal', synchronous: 2 };
    expect(await file.durability()).toEqual(durable);
    const event = { id: randomUUID(), type: 'T', data: '{}', metadata: '{}' };
    await log.append('s', 'no_stream', [event]);
    expect(await file.durability()).toEqual(durable);
    await log.close();
  });

  it.each([
    ['the main thread', 'false'],
    ['a thread of its own', 'true'],
  ])(
    'is on the disk before it is, written by %s: a sync for each lone command',
    async (_, own) => {
      const syncs = await countedSyncs(own);
      const service = await spawnService({
        DATA_DIR: join(place.folder, own),
        LOG_WRITER_THREAD: own,
        ...syncs.variables,
      });
      const client = await TaskManager.connect({
        transport: 'tcp',
        port: service.port,
        actor: 'app',
      });
      const counts: number[] = [];
      try {
        const id = await client.createTask('Durable', 'publish', 'app');
        await client.startTask(id);
        counts.push(syncs.ofLog());
        for (let n = 1; n <= COMMANDS; n++) {
          const { events } = await client.updateTaskProgress(id, n, COMMANDS);
          expect(events).toHaveLength(1);
          counts.push(syncs.ofLog());
        }
      } finally {
        await client.close();
        await service.stop();
      }
      const each = counts.slice(1).map((count, index) => count - counts[index]!);
      expect(each).toHaveLength(COMMANDS);
      expect(Math.min(...each)).toBeGreaterThanOrEqual(1);
    },
    60_000,
  );
});

/** Counts the calls themselves: a library of our own stands between the process and the C library's. */
async function countedSyncs(run: string) {
  const library = join(place.folder, 'count-syncs.so');
  const log = join(place.folder, `syncs-${run}`);
  execFileSync('g++', ['-O1', '-shared', '-fPIC', '-o', library, COUNTER, '-ldl']);
  return {
    variables: { LD_PRELOAD: library, SYNC_LOG: log },
    /** Syncs of the log's write-ahead log so far. */
    ofLog: () => {
      const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
      return lines.filter((line) => line.endsWith('/log.db-wal')).length;
    },
  };
}
