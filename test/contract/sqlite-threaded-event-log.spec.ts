import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import {
  LogFile,
  SqliteEventLog,
  SqliteProcessorStore,
} from '../../src/event-store/sqlite/index.js';
import { describeEventLogContract } from './event-log.contract.js';
import { compileEventStore } from './event-store-process.js';
import { describeProcessorStoreContract } from './processor-store.contract.js';
import { temporaryFolder } from './temporary-folder.js';

/** A file for the log, and the program of the thread that writes it. */
async function threadedPlace() {
  const place = await temporaryFolder('log.db');
  await compileEventStore(place.folder);
  const program = pathToFileURL(
    join(place.folder, 'src', 'event-store', 'sqlite', 'log-writer.thread.js'),
  );
  return { ...place, program };
}

describeEventLogContract('SqliteEventLog with a thread that writes', async () => {
  const { file, program, remove } = await threadedPlace();
  return { open: async () => SqliteEventLog.open({ file }, program), remove };
});

describeProcessorStoreContract('SqliteProcessorStore with a thread that writes', async () => {
  const { file, program, remove } = await threadedPlace();
  return {
    open: async () => new SqliteProcessorStore(LogFile.open({ file }, program)),
    remove,
  };
});

describe('A thread that writes and dies', () => {
  it('leaves the outcome unknown, and the next write to a new thread', async () => {
    const { file, folder, program, remove } = await threadedPlace();
    const died = join(folder, 'died');
    const mortal = join(folder, 'mortal.js');
    writeFileSync(
      mortal,
      `import { existsSync, writeFileSync } from 'node:fs';
       import { parentPort } from 'node:worker_threads';
       if (existsSync(${JSON.stringify(died)})) await import(${JSON.stringify(program.href)});
       else parentPort.once('message', () => {
         writeFileSync(${JSON.stringify(died)}, '');
         process.exit(3);
       });`,
    );
    const log = SqliteEventLog.open({ file }, pathToFileURL(mortal));
    const event = { id: randomUUID(), type: 'T', data: '{}', metadata: '{}' };
    await expect(log.append('s', 'no_stream', [event])).rejects.toMatchObject({
      code: 'LOG_UNAVAILABLE',
      outcomeUnknown: true,
      message: expect.stringMatching(/thread that writes ended: exit code 3/),
    });
    expect(existsSync(died)).toBe(true);
    expect((await log.append('s', 'no_stream', [event])).revision).toBe(0n);
    await log.close();
    await remove();
  });
});
