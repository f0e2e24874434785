import type { FoldFailure, Position } from '@taskmanager/protocol';
import type { ViewsDatabase } from '../../../database/index.js';
import type { EventLog } from '../../../event-store/index.js';
import { TASK_STREAM_PREFIX, taskIdOfStream } from '../../../events/index.js';
import { FirstFew } from '../../../jobs/index.js';
import {
  type ComparedBuild,
  Differences,
  type EventFailed,
  type ReplayWork,
  type Stretch,
  type Trial,
} from '../../../processing/index.js';
import { tableNames } from '../task-tables.js';
import { foldStream } from './fold-stream.js';
import { TaskCheck } from './task-check.js';
import { TaskRows } from './task-rows.js';

const PAGE = 500;
const MOST_LISTED = 100;
/** Characters of what went wrong with an event. */
const ERROR_CHARS = 1_000;

type TryTask = (taskId: string) => Promise<EventFailed | undefined>;

/**
 * Folds with the present code every task that has events in a stretch of the log, each when it is first
 * met, from its creation to the end of the stretch. In memory, one task at a time: nothing is written.
 */
export async function tryTasks(
  database: ViewsDatabase,
  { from, to }: Stretch,
  build: ComparedBuild | undefined,
  log: EventLog,
  work: ReplayWork,
): Promise<Trial> {
  const end = to ?? (await log.head());
  const differences = new Differences();
  const failures = new FirstFew<FoldFailure>(MOST_LISTED);
  let [events, tasks] = [0, 0];
  const seen = new Set<string>();
  const reachesView = end !== undefined && build && end >= (build.reached().position ?? '');
  const tryTask: TryTask = reachesView
    ? tryBeside(database, build, log, work, differences, end)
    : tryAlone(log, work, end);
  let after = from;
  for (let isDone = end === undefined; !isDone;) {
    const filter = { streamPrefix: TASK_STREAM_PREFIX };
    const page = await log.readAll({ ...(after && { after }), filter, limit: PAGE });
    for (const { stream, revision, position } of page.events) {
      if (position > (end ?? '')) break;
      events += 1;
      // From the first event of the log on each task is met at its creation.
      const isFirst = from === undefined ? revision === 0n : !seen.has(stream);
      if (!isFirst) continue;
      if (from !== undefined) seen.add(stream);
      tasks += 1;
      const failed = await tryTask(taskIdOfStream(stream));
      if (failed) failures.add(toFoldFailure(failed));
    }
    after = page.position;
    isDone = page.end || after === undefined || after >= (end ?? '');
    work.report({ step: 'fold', done: events, unit: 'events' });
    await work.turn();
  }
  const found = {
    failures: failures.items,
    failureCount: failures.count,
    differences: differences.listed,
    differenceCount: differences.count,
  };
  return { events, tasks, ...(end && { position: end }), ...found };
}

function tryAlone(log: EventLog, work: ReplayWork, end: Position | undefined): TryTask {
  return async (taskId) => {
    const within = ({ position }: { position: Position }) => position <= (end ?? '');
    return (await foldStream(log, taskId, within, () => undefined, work)).failed;
  };
}

function tryBeside(
  database: ViewsDatabase,
  build: ComparedBuild,
  log: EventLog,
  work: ReplayWork,
  differences: Differences,
  end: Position,
): TryTask {
  const rows = new TaskRows(database.connection, tableNames(build.generation));
  const check = new TaskCheck(database, rows, build, log, work, differences);
  return async (taskId) => (await check.check(taskId, rows.seqOf(taskId) ?? -1, end)).failed;
}

function toFoldFailure({ event, cause }: EventFailed): FoldFailure {
  const { stream, revision, position, type } = event;
  return {
    taskId: taskIdOfStream(stream),
    revision,
    position,
    type,
    error: cause.message.slice(0, ERROR_CHARS),
  };
}
