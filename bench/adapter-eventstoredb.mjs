/**
 * The adapter of EventStoreDB without the service around it, in a process of its own; the log is that of
 * the environment's settings:
 *
 * - `adapter-eventstoredb.mjs fill <tasks> <events of each>`: a log to be read
 * - `adapter-eventstoredb.mjs append <seconds> <data> <metadata>`: such events, appended
 * - `adapter-eventstoredb.mjs read <count>`: the whole log by pages, with its JSON parsed
 */
import { randomUUID } from 'node:crypto';
import { Settings } from '../dist/config/index.js';
import { EventStoreDbEventLog } from '../dist/event-store/eventstoredb/index.js';
import { measuredAppends } from './load.mjs';
import { fillLog, wholeLife } from './make-log.mjs';

const [what, ...args] = process.argv.slice(2);
const log = await EventStoreDbEventLog.open(new Settings(process.env).eventStoreDb);

async function fill(tasks, each) {
  const life = wholeLife(Number(each));
  return { events: await fillLog(log, { tasks: Number(tasks), life }) };
}

async function append(seconds, data, metadata) {
  return measuredAppends(async (name, revision) => {
    const event = { id: randomUUID(), type: 'ProgressUpdated', data, metadata };
    return (await log.append(`append-${name}`, revision ?? 'no_stream', [event])).revision;
  }, Number(seconds));
}

async function read(count) {
  const start = performance.now();
  let events = 0;
  for (let page = {}; !page.end;) {
    page = await log.readAll({ after: page.position, limit: 1000 });
    for (const { data, metadata } of page.events) {
      JSON.parse(data);
      JSON.parse(metadata);
    }
    events += page.events.length;
  }
  const ms = performance.now() - start;
  if (events !== Number(count)) throw new Error(`${events} events were read, not ${count}.`);
  return { ms };
}

console.log(JSON.stringify(await { fill, append, read }[what](...args)));
await log.close();
