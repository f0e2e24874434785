import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import type {
  EventLog,
  LogBatch,
  NewEvent,
  RecordedEvent,
  SubscribeOptions,
} from '../../src/event-store/index.js';

/** How a suite gets at the log of one adapter. It may hold events of others already. */
export interface EventLogHarness {
  /** A handle on the one log of this harness; further calls give further handles, as other processes have. */
  readonly open: () => Promise<EventLog>;
  readonly remove: () => Promise<void>;
  /** The longest data and metadata that an event may have here, in bytes each; 1 MiB when left out. */
  readonly textBytes?: number;
}

export type MakeEventLogHarness = () => Promise<EventLogHarness>;

/** What the cases of one describe block share. */
export interface LogUnderTest {
  readonly log: EventLog;
  readonly harness: EventLogHarness;
  /** Starts every stream of this block, so that a filter finds its events and no others. */
  readonly prefix: string;
  readonly newStream: () => string;
}

export function useEventLog(make: MakeEventLogHarness): () => LogUnderTest {
  let current: LogUnderTest | undefined;
  beforeAll(async () => {
    const harness = await make();
    const prefix = `t${randomUUID().slice(0, 8)}-`;
    const newStream = () => prefix + randomUUID();
    current = { log: await harness.open(), harness, prefix, newStream };
  });
  afterAll(async () => {
    await current?.log.close();
    await current?.harness.remove();
  });
  return () => current!;
}

export function newEvent(type = 'TaskStarted', data: unknown = { n: 1 }): NewEvent {
  return { id: randomUUID(), type, data: JSON.stringify(data), metadata: '{"timestamp":1}' };
}

export function newEvents(count: number, type?: string): NewEvent[] {
  return Array.from({ length: count }, (_, n) => newEvent(type, { n }));
}

export function idsOf(events: readonly NewEvent[]): string[] {
  return events.map(({ id }) => id);
}

/** Reads batches until the condition holds, then leaves the loop; fails after ten seconds. */
export async function batchesUntil(
  log: EventLog,
  options: Omit<SubscribeOptions, 'signal'>,
  enough: (
    batches: readonly LogBatch[],
    events: readonly RecordedEvent[],
  ) => boolean | Promise<boolean>,
): Promise<{ batches: LogBatch[]; events: RecordedEvent[]; last: LogBatch }> {
  const batches: LogBatch[] = [];
  const events: RecordedEvent[] = [];
  const signal = AbortSignal.timeout(10_000);
  for await (const batch of log.subscribe({ ...options, signal })) {
    batches.push(batch);
    events.push(...batch.events);
    if (await enough(batches, events)) return { batches, events, last: batch };
  }
  throw new Error(`Only ${events.length} events in ${batches.length} batches within ten seconds.`);
}

/** The whole log after a position, page by page. */
export async function readAllPages(
  log: EventLog,
  options: Parameters<EventLog['readAll']>[0] = {},
): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  let { after } = options;
  for (;;) {
    const page = await log.readAll({ ...options, after });
    events.push(...page.events);
    if (page.end) return events;
    after = page.position;
  }
}
