import { formatPosition, type Position } from '@taskmanager/protocol';
import type { ParkedEvent } from '../../event-store/index.js';
import { CheckpointMoved } from '../processor.js';
import type { RunPlace } from './run-place.js';

/** Where a handler stands, and which tasks wait, as the store says. */
export interface FlowStart {
  readonly checkpoint: Position | undefined;
  /** By stream: the event at which it waits. */
  readonly parked: ReadonlyMap<string, ParkedEvent>;
}

/** Rejects with LogUnavailable or CheckpointMoved. */
export async function readFlowStart(place: RunPlace): Promise<FlowStart> {
  return { checkpoint: await readCheckpoint(place), parked: await readParked(place) };
}

/** One that begins at the end of the log says so at once, or a crash would make it begin later. */
async function readCheckpoint({ store, handler, log }: RunPlace): Promise<Position | undefined> {
  const stored = await store.readCheckpoint(handler.name);
  if (stored !== undefined || handler.beginsAt === 'start') return stored;
  const head = (await log.head()) ?? formatPosition(log.logId, 0);
  if (await store.moveCheckpoint(handler.name, undefined, head)) return head;
  throw new CheckpointMoved(handler.name);
}

/**
 * One event for each task. A crash in the middle of a retry may leave two: the earlier one covers the
 * later, which is forgotten.
 */
async function readParked({ store, handler }: RunPlace): Promise<FlowStart['parked']> {
  const first = new Map<string, ParkedEvent>();
  for (const event of await store.listParked(handler.name)) {
    if (first.has(event.stream)) await store.unpark(handler.name, event.position);
    else first.set(event.stream, event);
  }
  return first;
}
