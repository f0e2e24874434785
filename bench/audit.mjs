/**
 * Who did what, over 1,000,000 events by 200 actors over 50,000 tasks, each over TCP, one after the other:
 * every filter and some together, at the newest end, at the oldest, and from a cursor in the middle. And
 * what the export of everything does to the memory of both sides.
 */
import { once } from 'node:events';
import { TaskManager } from '@taskmanager/client';
import { atMost, median, report, whole } from './figures.mjs';
import { actorOf, appOf, correlationOf, taskIdOf, typeOf, workerOf } from './make-audit-log.mjs';
import { inTemporaryFolder, measureApart, withService } from './processes.mjs';

const PAGE = 100;
const CALLS = 40;
const LIMIT_MS = 50;

/** Each by itself; `n` differs from call to call. */
const filters = (n, tasks, { firstAt, lastAt }) => {
  const [quarter, span] = [firstAt + (lastAt - firstAt) / 4, (lastAt - firstAt) / 50];
  const atFrom = Math.floor(quarter + (n % 20) * span);
  const time = { atFrom, atTo: Math.floor(atFrom + span) };
  const task = { taskIds: [taskIdOf((n * 7_919) % tasks)] };
  return {
    'no filter': {},
    actor: { actor: actorOf(n) },
    app: { appName: appOf(n) },
    task,
    '100 tasks': {
      taskIds: Array.from({ length: 100 }, (_, k) => taskIdOf((n * 31 + k * 97) % tasks)),
    },
    'task type': { taskTypes: [typeOf(n)] },
    'three task types': { taskTypes: [typeOf(n), typeOf(n + 1), typeOf(n + 2)] },
    'event, common': { events: ['ProgressUpdated'] },
    'event, rare': { events: ['TaskPaused'] },
    worker: { workerId: workerOf(n * 3) },
    'correlation id': { correlationId: correlationOf((n * 7_919) % tasks, 3) },
    refused: { refused: true },
    'not refused': { refused: false },
    time,
    'actor and event': { actor: actorOf(n), events: ['TaskPaused', 'TaskCompleted'] },
    'actor and time': { actor: actorOf(n), ...time },
    'app and type and event': {
      appName: appOf(n),
      taskTypes: [typeOf(n)],
      events: ['TaskStarted'],
    },
    'refused, by one actor': { refused: true, actor: actorOf(n) },
    'worker and time': { workerId: workerOf(n * 3), ...time },
    'app and time and not refused': { appName: appOf(n), ...time, refused: false },
    'never together': { workerId: workerOf(0), events: ['TaskPaused'] },
    'unknown actor': { actor: `nobody-${n}` },
  };
};

/** Making the log takes minutes: AUDIT_LOG names a data folder that `make-audit-log.mjs` has filled. */
export async function audit({ scale }) {
  const made = process.env.AUDIT_LOG;
  if (made) return measure(made);
  await inTemporaryFolder(async (folder) => {
    const { events, ms } = await measureApart('./make-audit-log.mjs', [folder, 1_000_000 * scale]);
    report(`log of ${whole(events)} events made`, `${whole(ms / 1_000)} s`);
    await measure(folder);
  });
}

function measure(folder) {
  return withService(folder, async ({ port, child }) => {
    const client = await TaskManager.connect({ transport: 'tcp', port, actor: 'bench' });
    try {
      const stats = await caughtUp(client);
      await measureFilters(client, stats);
      await measureExport(client, child, stats.events);
    } finally {
      await client.close();
    }
  });
}

/** The audit may still be behind a log that was made a moment ago. */
async function caughtUp(client) {
  const until = performance.now() + 20 * 60_000;
  for (;;) {
    const { processors } = await client.admin.listProcessors();
    // The task view is not to be in the way either.
    const behind = processors.filter(({ kind, lag = 1 }) => kind === 'projection' && lag > 0);
    if (behind.length === 0) return client.admin.logStats();
    if (performance.now() > until) throw new Error(`${behind[0].name} does not catch up.`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function measureFilters(client, stats) {
  const { tasks } = stats;
  const head = stats.head.slice(9);
  const middle = `${stats.logId}:${String(BigInt(head) / 2n).padStart(20, '0')}`;
  const places = { first: {}, last: { order: 'asc' }, middle: { cursor: middle } };
  console.log(
    `\nmedian of ${CALLS} calls, ms: first page, last page, from the middle; with a count`,
  );
  let slowest = 0;
  for (const name of Object.keys(filters(0, tasks, stats))) {
    const figures = [];
    for (const place of [...Object.values(places), { count: true, limit: 1 }]) {
      const times = [];
      for (let n = 0; n < CALLS; n++) {
        const request = { limit: PAGE, ...filters(n, tasks, stats)[name], ...place };
        const start = performance.now();
        await client.queryAudit(request);
        times.push(performance.now() - start);
      }
      figures.push(median(times));
    }
    slowest = Math.max(slowest, ...figures);
    console.log(`  ${name.padEnd(30)} ${figures.map((ms) => ms.toFixed(1).padStart(7)).join('')}`);
  }
  report('slowest page', `${slowest.toFixed(1)} ms`, undefined, atMost(slowest, LIMIT_MS, ' ms'));
}

async function measureExport(client, child, events) {
  const memory = async () => {
    child.send('usage');
    const [{ maxRssBytes }] = await once(child, 'message');
    return { service: maxRssBytes / 1e6, client: process.memoryUsage().rss / 1e6 };
  };
  const start = performance.now();
  let seen = 0;
  let early;
  for await (const { line } of client.auditEvents({ order: 'asc', limit: 1_000 })) {
    if (line) seen += 1;
    if (seen === Math.floor(events / 4)) early = await memory();
  }
  const ms = performance.now() - start;
  const late = await memory();
  if (seen < events) throw new Error(`${seen} events exported, not ${events}.`);
  report(`export of ${whole(seen)} events`, `${whole((seen / ms) * 1_000)} events/s`);
  for (const side of ['service', 'client']) {
    const grown = late[side] - early[side];
    const figures = `${whole(early[side])} MB after a quarter, ${whole(late[side])} MB at its end`;
    report(`memory of the ${side}`, figures, undefined, atMost(grown, 50, ' MB more'));
  }
}
