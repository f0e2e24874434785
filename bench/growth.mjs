/**
 * What 1,000,000 tasks cost against 10,000: get, a command, and a list by each single filter under its
 * own sort, each over TCP, one after the other, with tasks drawn at random. The two services run side by
 * side and calls alternate between them, so that a noisy moment hits both.
 */
import { join } from 'node:path';
import { TaskManager } from '@taskmanager/client';
import { atMost, median, report, whole } from './figures.mjs';
import { appOf, idOf, makeLog, mixed, typeOf } from './make-log.mjs';
import { inTemporaryFolder, withService } from './processes.mjs';

const SMALL = 10_000;
const CALLS = 150;
const PAGE = 50;
const MIDDLE = Date.UTC(2026, 0, 1) + 5_000;

/** Each filter under the sort that belongs to it. */
const FILTERS = {
  'no filter': {},
  statuses: { statuses: ['failed', 'waiting_for_approval'] },
  taskTypes: { taskTypes: [typeOf(3)] },
  appName: { appName: appOf(10) },
  runBy: { runBy: 'worker' },
  persistent: { persistent: true },
  labels: { labels: { team: 'team-7' } },
  'created from': { createdFrom: MIDDLE, sort: 'createdAt', order: 'asc' },
  'created to': { createdTo: MIDDLE, sort: 'createdAt' },
  'updated from': { updatedFrom: MIDDLE, sort: 'updatedAt', order: 'asc' },
  'updated to': { updatedTo: MIDDLE, sort: 'updatedAt' },
  awaitingApprovalBy: { awaitingApprovalBy: 'approver-13' },
  'sort by priority': { sort: 'priority' },
  'sort by name': { sort: 'name' },
};

const COMBINED = {
  'text, rare': { text: 'package-4321 ' },
  'text, in every task': { text: 'build package' },
  'text and status': { text: 'shard 42', statuses: ['failed'] },
  'text and app': { text: 'package-77', appName: appOf(20) },
  'app and status': { appName: appOf(30), statuses: ['running'] },
  'type and label': { taskTypes: [typeOf(5)], labels: { team: 'team-5' } },
  'label and status': { labels: { region: 'region-3' }, statuses: ['cancelled'] },
  'approver and type': { awaitingApprovalBy: 'approver-13', taskTypes: [typeOf(3)] },
  'type by updatedAt': { taskTypes: [typeOf(1)], sort: 'updatedAt' },
};

export async function growth({ scale, calls = CALLS }) {
  const large = 1_000_000 * scale;
  await inTemporaryFolder((small) =>
    inTemporaryFolder(async (big) => {
      await makeLog(join(small, 'log.db'), { tasks: SMALL, life: mixed });
      await makeLog(join(big, 'log.db'), { tasks: large, life: mixed });
      // The views are built before anything is measured, and the caches are cold again afterwards.
      for (const folder of [small, big]) await withService(folder, built);
      await withService(small, (few) =>
        withService(big, (many) => compare(few, many, large, calls)),
      );
    }),
  );
}

const client = (port) => TaskManager.connect({ transport: 'tcp', port, appName: appOf(0) });

/** Resolves when the view has read the whole log. */
async function built({ port }) {
  const connection = await client(port);
  const { position } = await connection.query('read_events', { from: 'now' });
  for (;;) {
    try {
      await connection.query('task_stats', {}, { after: position });
      const { total } = await connection.query('task_stats', {});
      if (total > 0) break;
    } catch (error) {
      if (!['UNAVAILABLE', 'TIMEOUT'].includes(error.code)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await connection.close();
}

async function compare(few, many, large, calls) {
  const sides = [
    { tasks: SMALL, connection: await client(few.port) },
    { tasks: large, connection: await client(many.port) },
  ];
  const drawn = (tasks) => idOf(Math.floor(Math.random() * tasks));
  const alternate = async (call) => {
    const times = [[], []];
    for (let n = 0; n < calls + 20; n++) {
      for (const [side, { tasks, connection }] of sides.entries()) {
        const start = performance.now();
        await call(connection, drawn(tasks));
        if (n >= 20) times[side].push(performance.now() - start);
      }
    }
    return times.map(median);
  };
  const against = (what, [few50, many50]) =>
    report(
      what,
      `${whole(SMALL)}: ${few50.toFixed(2)} ms, ${whole(large)}: ${many50.toFixed(2)} ms`,
      many50 / few50,
      atMost(many50 / few50, 1.3),
    );
  against('get_task', await alternate((c, id) => c.getTask(id)));
  against('update_task_error', await alternate((c, id) => c.updateTaskError(id, 'noted')));
  for (const [name, filter] of Object.entries(FILTERS)) {
    against(`list: ${name}`, await alternate((c) => c.listTasks({ ...filter, limit: PAGE })));
  }
  for (const [name, filter] of Object.entries(COMBINED)) {
    const [, ms] = await alternate((c) => c.listTasks({ ...filter, limit: PAGE }));
    report(
      `list: ${name}`,
      `${ms.toFixed(2)} ms at ${whole(large)}`,
      undefined,
      atMost(ms, 50, ' ms'),
    );
  }
  for (const { connection } of sides) await connection.close();
}
