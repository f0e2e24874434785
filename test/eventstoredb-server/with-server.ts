import { afterEach, beforeEach } from '@jest/globals';
import {
  BACKWARDS,
  END,
  EventStoreDBClient,
  type JSONEventData,
  type JSONEventType,
  type Position,
  type ResolvedEvent,
  jsonEvent,
} from '@eventstore/db-client';
import { EventStoreDbServer } from './index.js';

/**
 * A server and the bare client of it for each test. One client at a time: two of one process share what
 * waits for an answer.
 */
export function withServer(): { server: EventStoreDbServer; client: EventStoreDBClient } {
  const using = {} as { server: EventStoreDbServer; client: EventStoreDBClient };
  beforeEach(async () => {
    using.server = await EventStoreDbServer.start();
    using.client = EventStoreDBClient.connectionString(using.server.connectionString);
  });
  afterEach(async () => {
    await using.client.dispose();
    await using.server.close();
  });
  return using;
}

/** An event of type `type`; its data is its type too, so that one sees what was read. */
export const event = (type: string, id?: string): JSONEventData<JSONEventType> =>
  jsonEvent({ type, data: { type }, ...(id === undefined ? {} : { id }) });

export const events = (...types: string[]): JSONEventData<JSONEventType>[] =>
  types.map((type) => event(type));

/** Reads to the end, which frees the call, and answers the types. */
export async function typesOf(read: AsyncIterable<ResolvedEvent>): Promise<string[]> {
  const types: string[] = [];
  for await (const { event } of read) types.push(event?.type ?? 'nothing');
  return types;
}

/** The position of the last event, after which those of a test begin. */
export async function endOfLog(client: EventStoreDBClient): Promise<Position> {
  const last: Position[] = [];
  const options = { direction: BACKWARDS, fromPosition: END, maxCount: 1 } as const;
  // To the end: a read that is left early holds its call, and `dispose()` then waits for ever.
  for await (const { event } of client.readAll(options)) if (event) last.push(event.position);
  return last[0]!;
}
