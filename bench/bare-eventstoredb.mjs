/**
 * The client of EventStoreDB without anything around it, in a process of its own because it bears no
 * second one beside it:
 *
 * - `bare-eventstoredb.mjs newest <url> <stream>`: data and metadata of a stream's newest event
 * - `bare-eventstoredb.mjs append <url> <seconds> <data> <metadata>`: such events, appended
 * - `bare-eventstoredb.mjs read <url> <prefix> <count>`: the first events of the streams with a prefix
 */
import { randomUUID } from 'node:crypto';
import {
  BACKWARDS,
  END,
  EventStoreDBClient,
  jsonEvent,
  NO_STREAM,
  START,
  streamNameFilter,
} from '@eventstore/db-client';
import { measuredAppends } from './load.mjs';

const [what, url, ...args] = process.argv.slice(2);
const client = EventStoreDBClient.connectionString(url);

async function newest(stream) {
  const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1 };
  for await (const { event } of client.readStream(stream, options)) {
    return { data: JSON.stringify(event.data), metadata: JSON.stringify(event.metadata) };
  }
}

async function append(seconds, data, metadata) {
  const texts = { type: 'ProgressUpdated', data: JSON.parse(data), metadata: JSON.parse(metadata) };
  return measuredAppends(async (name, revision) => {
    const event = jsonEvent({ id: randomUUID(), ...texts });
    const expectedRevision = revision ?? NO_STREAM;
    const answer = await client.appendToStream(`bare-${name}`, event, { expectedRevision });
    return answer.nextExpectedRevision;
  }, Number(seconds));
}

/** Its own handler of `data`, which is faster than `for await`; it has parsed the JSON by then. */
async function read(prefix, count) {
  const start = performance.now();
  let events = 0;
  const subscription = client.subscribeToAll({
    fromPosition: START,
    filter: streamNameFilter({ prefixes: [prefix], checkpointReached: () => undefined }),
  });
  await new Promise((resolve, reject) => {
    subscription.on('error', reject);
    subscription.on('data', () => {
      if (++events === Number(count)) resolve();
    });
  });
  const ms = performance.now() - start;
  await subscription.unsubscribe();
  return { ms };
}

console.log(JSON.stringify(await { newest, append, read }[what](...args)));
await client.dispose();
