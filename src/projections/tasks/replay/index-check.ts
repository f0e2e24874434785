import type { Statement, ViewsDatabase } from '../../../database/index.js';
import type { Differences, ReplayWork } from '../../../processing/index.js';
import { isQueued, tagsOf } from '../task-columns.js';
import { lightTask } from '../task-row.js';
import type { TaskTableNames } from '../task-tables.js';

const PAGE = 200;
/** Index entries that are counted in one go: about a millisecond. */
const COUNTED = 2_000;

type Value = string | number;
type Row = Readonly<Record<string, Value | null>>;

/**
 * A table beside the rows, in the order of its key; `fits` says whether the row of its task wants it: any row
 * does when it is left out, and no more than the key is read.
 */
interface Beside {
  readonly table: string;
  readonly key: readonly string[];
  readonly seq: string;
  readonly what: string;
  readonly fits?: (entry: Row, state: string) => boolean;
}

interface Counter {
  readonly id: number;
  readonly status: string;
  readonly type: string;
  readonly count: number;
}

/** Below every value of a key. */
const FIRST = Number.MIN_SAFE_INTEGER;

/**
 * What lists use and no row wants: labels, approvers, places in the queue, payloads and texts too many,
 * and counters that are not the number of their tasks. What a row wants and has not is seen at the row.
 */
export async function checkIndexes(
  database: ViewsDatabase,
  names: TaskTableNames,
  work: ReplayWork,
  differences: Differences,
): Promise<void> {
  for (const beside of besides(names)) await walk(database, names, beside, work, differences);
  await checkCounters(database, names, work, differences);
}

function besides({ payload, tag, queue, due, text }: TaskTableNames): readonly Beside[] {
  const queuePlace = ({ task_type, rank, created_at, app_name, id }: Row, state: string) => {
    const task = lightTask(state);
    return (
      isQueued(task) &&
      task.id === id &&
      task.taskType === task_type &&
      -task.priority === rank &&
      task.createdAt === created_at &&
      task.appName === app_name
    );
  };
  return [
    {
      table: tag,
      key: ['tag', 'group_id', 'created_at', 'seq'],
      seq: 'seq',
      what: 'label or approver',
      fits: ({ tag: stored, group_id, created_at, row_group }, state) => {
        const task = lightTask(state);
        const same = group_id === row_group && created_at === task.createdAt;
        return same && tagsOf(task).has(String(stored));
      },
    },
    {
      table: queue,
      key: ['task_type', 'rank', 'created_at', 'seq'],
      seq: 'seq',
      what: 'place in the queue',
      fits: queuePlace,
    },
    {
      table: due,
      key: ['run_at', 'seq'],
      seq: 'seq',
      what: 'place among those to come',
      fits: (entry, state) =>
        queuePlace(entry, state) && lightTask(state).runAt === entry['run_at'],
    },
    { table: payload, key: ['seq'], seq: 'seq', what: 'payload' },
    { table: `${text}_docsize`, key: ['id'], seq: 'id', what: 'text' },
  ];
}

async function walk(
  { connection }: ViewsDatabase,
  { task }: TaskTableNames,
  { table, key, seq, what, fits }: Beside,
  work: ReplayWork,
  differences: Differences,
): Promise<void> {
  const place = key.map((name) => `b.${name}`).join(', ');
  const read = fits ? 'b.*, t.state AS row_state, t.group_id AS row_group' : place;
  const page: Statement<Value[], Row> = connection.prepare(
    `SELECT ${read}, t.id AS row_id FROM ${table} b LEFT JOIN ${task} t ON t.seq = b.${seq}
     WHERE (${place}) > (${key.map(() => '?').join(', ')}) ORDER BY ${place} LIMIT ${PAGE}`,
  );
  let after: Value[] = key.map(() => FIRST);
  for (;;) {
    const entries = page.all(...after);
    for (const entry of entries) {
      const { row_state, row_id } = entry;
      if (typeof row_id === 'string' && (fits?.(entry, String(row_state)) ?? true)) continue;
      const of = key.map((name) => String(entry[name])).join(', ');
      differences.add({
        text: `A ${what} too many where lists look: ${of}`,
        ...(typeof row_id === 'string' && { taskId: row_id }),
      });
    }
    const last = entries.at(-1);
    await work.turn();
    if (!last || entries.length < PAGE) return;
    after = key.map((name) => last[name] ?? FIRST);
  }
}

/** As of one moment, for the view goes on, and in pieces, for a group may have any number of tasks. */
function checkCounters(
  database: ViewsDatabase,
  { task, group }: TaskTableNames,
  work: ReplayWork,
  differences: Differences,
): Promise<void> {
  return database.reading(async (connection) => {
    const counters = connection
      .prepare<[], Counter>(`SELECT id, status, task_type AS type, count FROM "${group}"`)
      .all();
    const page: Statement<Value[], Value[]> = connection
      .prepare<Value[], Value[]>(
        `SELECT created_at, seq FROM ${task} WHERE group_id = ? AND (created_at, seq) > (?, ?)
         ORDER BY created_at, seq LIMIT ${COUNTED}`,
      )
      .raw();
    for (const { id, status, type, count: view } of counters) {
      let log = 0;
      for (let after = [FIRST, FIRST] as Value[], isDone = false; !isDone;) {
        const rows = page.all(id, ...after);
        log += rows.length;
        after = rows.at(-1) ?? after;
        isDone = rows.length < COUNTED;
        await work.turn();
      }
      if (view === log) continue;
      const text = `The counter of tasks that are ${status}, of type ${type}, is not their number`;
      differences.add({ text, path: '/count', view, log });
    }
  });
}
