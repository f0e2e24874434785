/** The thread that copies the log and verifies the copy beside the event loop. Ended, it leaves off. */
import { parentPort, workerData } from 'node:worker_threads';
import { SqliteLogFiles } from '../event-store/sqlite/index.js';
import { copyLog } from './copied-log.js';
import type { FromThread, ThreadWork } from './copy-in-thread.js';

const TELL_EVERY_MS = 100;

const { from, to } = workerData as ThreadWork;
const tell = (message: FromThread): void => parentPort?.postMessage(message);
let told = -Infinity;

try {
  const copied = await copyLog(new SqliteLogFiles(), from, to, {
    report: (progress) => {
      const now = performance.now();
      if (now - told < TELL_EVERY_MS) return;
      told = now;
      tell({ progress });
    },
  });
  tell({ copied });
} catch (error) {
  tell({ failure: error instanceof Error ? error.message : String(error) });
}
