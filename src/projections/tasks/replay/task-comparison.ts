import type { Position } from '@taskmanager/protocol';
import type { ViewsDatabase } from '../../../database/index.js';
import type { EventLog, LogPage } from '../../../event-store/index.js';
import { TASK_STREAM_PREFIX, TaskCreated, taskIdOfStream } from '../../../events/index.js';
import {
  type ComparedBuild,
  type Comparison,
  Differences,
  type ReplayWork,
} from '../../../processing/index.js';
import { tableNames } from '../task-tables.js';
import { checkIndexes } from './index-check.js';
import { seqOf, TaskCheck } from './task-check.js';
import { TaskRows } from './task-rows.js';

/** Events that are looked at for creations in one go. */
const PAGE = 1_000;
const FILTER = { types: [TaskCreated.type], streamPrefix: TASK_STREAM_PREFIX };

/**
 * Compares one build of the task view with the log: walks both in the order of creation, so that missing
 * rows, rows too many and rows that differ are all found, then what lists use.
 */
export async function compareTasks(
  database: ViewsDatabase,
  build: ComparedBuild,
  log: EventLog,
  work: ReplayWork,
): Promise<Comparison> {
  const names = tableNames(build.generation);
  const rows = new TaskRows(database.connection, names);
  const differences = new Differences();
  const check = new TaskCheck(database, rows, build, log, work, differences);
  const total = rows.total();
  let [compared, events, lastSeq] = [0, 0, -1];
  const { position: end } = build.reached();
  let after: Position | undefined;
  for (let isDone = end === null; !isDone;) {
    const page: LogPage = await log.readAll({
      ...(after && { after }),
      filter: FILTER,
      limit: PAGE,
    });
    const { position } = page;
    isDone = page.end || position === undefined || position >= (end ?? '');
    const upTo = isDone ? end : position;
    if (!upTo) break;
    const known = new Map(page.events.map((event) => [seqOf(event.position), event]));
    for (const [seq, taskId] of rows.between(lastSeq, seqOf(upTo))) {
      if (!known.has(seq)) {
        compared += 1;
        differences.add({ text: 'A row too many: the log knows of no such task', taskId });
      }
    }
    for (const [seq, { stream, position: created }] of known) {
      if (created > upTo) break;
      const checked = await check.check(taskIdOfStream(stream), seq, created);
      events += checked.events;
      if (checked.hasRow) compared += 1;
      work.report({ step: 'verify', done: compared, total, unit: 'tasks' });
    }
    after = position;
    lastSeq = seqOf(upTo);
    await work.turn();
  }
  await checkIndexes(database, names, work, differences);
  const { listed, count } = differences;
  return { rows: compared, events, differences: listed, differenceCount: count };
}
