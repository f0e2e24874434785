/** Checks the history of a log file as the job of verify_history does: `verify-log.mjs <log.db>`. */
import { SqliteEventLog } from '../dist/event-store/sqlite/index.js';
import { verifyWholeHistory } from '../dist/proof/whole-history.js';

const log = SqliteEventLog.open({ file: process.argv[2] });
const work = { jobId: 'bench', signal: new AbortController().signal, report: () => undefined };
const start = performance.now();
const { ok, events } = await verifyWholeHistory(log, work, {});
const ms = performance.now() - start;
await log.close();
if (!ok) throw new Error('The history does not hold.');
console.log(JSON.stringify({ events, ms, maxRssBytes: process.resourceUsage().maxRSS * 1024 }));
