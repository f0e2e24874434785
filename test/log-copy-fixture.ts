/** What the tests of `log:copy` share: logs with true hash chains, and logs that misbehave. */
import { randomUUID } from 'node:crypto';
import type { Position } from '@taskmanager/protocol';
import {
  type EventLog,
  type AppendResult,
  type ExpectedRevision,
  type NewEvent,
  type RecordedEvent,
} from '../src/event-store/index.js';
import { MemoryEventLog, MemoryProcessorStore } from '../src/event-store/memory/index.js';
import {
  type ChainEnd,
  CommandRefused,
  EMPTY_CHAIN,
  encodeEvent,
  ProgressUpdated,
  refusalStream,
  type TaskEvent,
  taskStream,
} from '../src/events/index.js';
import { LogCopy, type LogCopySetup } from '../src/log-copy/log-copy.js';

/** The texts of a stream of `count` events, chained as the service does it. */
export function chainedEvents(stream: string, count: number): NewEvent[] {
  let chain: ChainEnd = EMPTY_CHAIN;
  return Array.from({ length: count }, (_, n) => {
    const encoded = encodeEvent(chain, stream, randomUUID(), eventFor(stream, n), {
      timestamp: 1_700_000_000_000 + n,
      actor: { id: 'tester', roles: ['client'], verified: false },
      commandId: randomUUID(),
      $correlationId: randomUUID(),
      $causationId: randomUUID(),
      transport: 'tcp',
      taskType: 'publish_package',
      appName: 'tests',
      status: 'running',
      attempt: 1,
    });
    chain = encoded.chain;
    return encoded.text;
  });
}

const eventFor = (stream: string, n: number): TaskEvent =>
  stream.startsWith('refused-')
    ? new CommandRefused({
        command: 'complete_task',
        actor: { id: 'tester', roles: ['client'], verified: false },
        code: 'FORBIDDEN',
        reason: `№ ${n}: “not yours”`,
      })
    : new ProgressUpdated({ progress: n, message: `chunk ${n} – größer\n` });

/**
 * Fills a log with the streams of several tasks, woven into each other in pieces of one to three events,
 * one stream of refusals among them.
 */
export async function fill(log: EventLog, tasks: number, eventsEach = 6): Promise<void> {
  const streams = Array.from({ length: tasks }, (_, n) => {
    const stream = n === 0 ? refusalStream(randomUUID()) : taskStream(randomUUID());
    return { stream, events: chainedEvents(stream, eventsEach), written: 0 };
  });
  for (let round = 0; streams.some(({ events, written }) => written < events.length); round++) {
    for (const [n, each] of streams.entries()) {
      const piece = each.events.slice(each.written, each.written + 1 + ((n + round) % 3));
      if (piece.length === 0) continue;
      await log.append(each.stream, expectedAfter(each.written), piece);
      each.written += piece.length;
    }
  }
}

export const expectedAfter = (events: number): ExpectedRevision =>
  events === 0 ? 'no_stream' : BigInt(events - 1);

export async function eventsOf(log: EventLog): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  let after: Position | undefined;
  for (;;) {
    const page = await log.readAll(after === undefined ? {} : { after });
    events.push(...page.events);
    if (page.end) return events;
    after = page.position;
  }
}

/** Everything about the events that a copy must keep. */
export const withoutPositions = (events: readonly RecordedEvent[]) =>
  events.map(({ stream, revision, id, type, data, metadata }) => ({
    stream,
    revision,
    id,
    type,
    data,
    metadata,
  }));

type Append = (
  stream: string,
  expected: ExpectedRevision,
  events: readonly NewEvent[],
) => Promise<AppendResult>;

/** A log whose appends can be made to fail, or to be counted; all else is the log's own. */
export function withAppend(log: EventLog, around: (append: Append) => Append): EventLog {
  const append = around((stream, expected, events) => log.append(stream, expected, events));
  return new Proxy(log, {
    get: (target, name) => {
      if (name === 'append') return append;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

export interface Side {
  readonly log: EventLog;
  readonly processors: MemoryProcessorStore;
}

export const memorySide = (log: EventLog = new MemoryEventLog()): Side => ({
  log,
  processors: new MemoryProcessorStore(),
});

/** Runs a whole copy; `lines` is what it told. */
export async function runCopy(
  setup: Pick<LogCopySetup, 'source' | 'target'> & Partial<LogCopySetup>,
): Promise<{ outcome: string; lines: string[] }> {
  const lines: string[] = [];
  const copy = new LogCopy({
    verifyOnly: false,
    appendsAtOnce: 1,
    progress: { write: () => undefined },
    now: () => 0,
    ...setup,
    tell: (line) => lines.push(line),
  });
  return { outcome: await copy.run(), lines };
}
