/** Snapshots of long task streams: caches in the log's store that no hash chain covers. */
import { isDeepStrictEqual } from 'node:util';
import type { Position } from '@taskmanager/protocol';
import type { EventLog, RecordedEvent, Snapshot } from '../event-store/index.js';
import {
  type ChainEnd,
  decodeTaskEvent,
  EMPTY_CHAIN,
  type StoredTaskEvent,
} from '../events/index.js';
import { evolve, type Task, TASK_STATE_VERSION } from '../task/index.js';
import { RememberedCommands } from './remembered-commands.js';

/** A task's stream as far as it was read: its folded state, where its hash chain ends, whom to answer again. */
export interface TaskStream {
  readonly task: Task | undefined;
  readonly chain: ChainEnd;
  /** Of the last event; undefined for a stream without events. */
  readonly position: Position | undefined;
  readonly remembered: RememberedCommands;
  /** Of the snapshot last written; −1 for none. */
  readonly snapshotAt: number;
}

/** How many events may lie behind the last snapshot before the next one is written. */
export const SNAPSHOT_EVERY = 256;
const PAGE = 250;

interface SnapshotState {
  readonly task: Task;
  readonly hash: string;
  readonly position: Position;
  readonly remembered: readonly (readonly [string, number])[];
}

export function emptyStream(): TaskStream {
  return {
    task: undefined,
    chain: EMPTY_CHAIN,
    position: undefined,
    remembered: new RememberedCommands(),
    snapshotAt: -1,
  };
}

export function foldStream(stream: TaskStream, events: readonly StoredTaskEvent[]): TaskStream {
  let { task, chain, position } = stream;
  for (const event of events) {
    task = evolve(task, event);
    chain = { revision: event.revision, hash: event.metadata.hash };
    position = event.position;
    stream.remembered.remember(event.metadata.commandId, event.revision);
  }
  return { ...stream, task, chain, position };
}

/** Undefined of a stream without events. */
export function snapshotOf(stream: TaskStream): Snapshot | undefined {
  const { task, chain, position, remembered } = stream;
  if (!task || position === undefined) return undefined;
  const { hash, revision } = chain;
  const state: SnapshotState = { task, hash, position, remembered: remembered.entries() };
  return {
    revision: BigInt(revision),
    version: TASK_STATE_VERSION,
    state: JSON.stringify(state),
  };
}

/** A stream may have one that this release would go on from: none is written earlier. */
export const mayHaveSnapshot = (lastRevision: number): boolean =>
  lastRevision >= SNAPSHOT_EVERY - 1;

/**
 * The stream as its snapshot says it; undefined when there is none of this release.
 * @throws Error when it is not of the history that the log holds
 */
export async function readSnapshot(log: EventLog, name: string): Promise<TaskStream | undefined> {
  const snapshot = await log.readSnapshot(name);
  if (snapshot?.version !== TASK_STATE_VERSION) return undefined;
  const revision = Number(snapshot.revision);
  const state = JSON.parse(snapshot.state) as SnapshotState;
  const [event] = await log.readStream(name, { from: snapshot.revision, limit: 1 });
  const isThere = event !== undefined && mayHaveSnapshot(revision);
  if (!isThere || decodeTaskEvent(event).metadata.hash !== state.hash) {
    throw new Error(`the event at its revision ${revision} is not the one that it was made at`);
  }
  return {
    task: state.task,
    chain: { revision, hash: state.hash },
    position: state.position,
    remembered: new RememberedCommands(state.remembered),
    snapshotAt: revision,
  };
}

/** A snapshot that does not say what the events of its stream say. */
export interface FalseSnapshot {
  readonly revision: number;
  /** What is wrong, to follow "The snapshot of <stream> at revision <n>". */
  readonly text: string;
}

/**
 * Folds the events up to a stream's snapshot and holds them beside it. One that is of no use to this
 * release is passed over.
 * @param turn called after each piece of work; what it throws is thrown
 */
export async function falseSnapshot(
  log: EventLog,
  name: string,
  turn: () => Promise<void>,
): Promise<FalseSnapshot | undefined> {
  const snapshot = await log.readSnapshot(name);
  if (snapshot?.version !== TASK_STATE_VERSION) return undefined;
  const revision = Number(snapshot.revision);
  let stream = emptyStream();
  while (stream.chain.revision < revision) {
    const from = BigInt(stream.chain.revision + 1);
    const limit = Math.min(PAGE, revision + 1 - Number(from));
    const page = await log.readStream(name, { from, limit });
    if (page.length === 0) {
      return { revision, text: `lies behind the end of the stream, revision ${Number(from) - 1}` };
    }
    const folded = folding(stream, page);
    if (folded instanceof Error) {
      return { revision, text: `cannot be compared with the events: ${folded.message}` };
    }
    stream = folded;
    await turn();
  }
  const due = snapshotOf(stream)?.state;
  if (due !== undefined && isSameJson(snapshot.state, due)) return undefined;
  return { revision, text: 'does not say what the events up to there say' };
}

function folding(stream: TaskStream, page: readonly RecordedEvent[]): TaskStream | Error {
  try {
    return foldStream(stream, page.map(decodeTaskEvent));
  } catch (error) {
    return error as Error;
  }
}

/** The order of fields depends on where a fold began. */
function isSameJson(stored: string, due: string): boolean {
  try {
    return stored === due || isDeepStrictEqual(JSON.parse(stored), JSON.parse(due));
  } catch {
    return false;
  }
}
