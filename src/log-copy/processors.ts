import type { Position } from '@taskmanager/protocol';
import type { ParkedEvent, ProcessorStore } from '../event-store/index.js';
import type { PositionPairs } from './position-pairs.js';

/** What one saga or publisher has left in the source's store. Leases are left out: nobody runs it there. */
export interface ProcessorState {
  readonly name: string;
  readonly checkpoint: Position | undefined;
  readonly paused: boolean;
  readonly parked: readonly ParkedEvent[];
}

/** Of all that one of the two stores knows: what an earlier copy has left behind may be over since. */
export async function readProcessors(
  store: ProcessorStore,
  target: ProcessorStore,
): Promise<ProcessorState[]> {
  const states: ProcessorState[] = [];
  const names = new Set([...(await store.listProcessors()), ...(await target.listProcessors())]);
  for (const name of [...names].sort()) {
    const checkpoint = await store.readCheckpoint(name);
    const paused = await store.isPaused(name);
    states.push({ name, checkpoint, paused, parked: await store.listParked(name) });
  }
  return states;
}

/** Positions whose place in the target has to be known. */
export const positionsOf = (states: readonly ProcessorState[]): Position[] =>
  states.flatMap(({ checkpoint, parked }) => [
    ...(checkpoint === undefined ? [] : [checkpoint]),
    ...parked.map(({ position }) => position),
  ]);

/**
 * Puts a processor in the target where it stood in the source, so that it handles nothing a second time
 * and leaves nothing out, and says what was done. One that is further in the target has run there, and
 * is left alone. Doing it again changes nothing. The checkpoint moves last: interrupted before, the next
 * copy does the rest.
 */
export async function carryOver(
  { name, checkpoint, paused, parked }: ProcessorState,
  pairs: PositionPairs,
  store: ProcessorStore,
): Promise<string> {
  const due = checkpoint === undefined ? undefined : pairs.find(checkpoint).position;
  const stands = await store.readCheckpoint(name);
  if (stands !== undefined && (due === undefined || stands > due)) {
    return `${name}: stands at ${stands} in the target, further than in the source: left alone`;
  }
  await carryParked(name, parked, pairs, store);
  await store.setPaused(name, paused);
  if (due !== undefined && due !== stands) {
    if (!(await store.moveCheckpoint(name, stands, due))) {
      throw new Error(
        `Somebody else moved the checkpoint of ${name} in the target: stop it first.`,
      );
    }
  }
  return [
    `${name}: ${checkpoint ?? 'no checkpoint'} → ${due ?? 'no checkpoint'}`,
    ...(parked.length > 0 ? [`${parked.length} parked`] : []),
    ...(paused ? ['paused'] : []),
  ].join(', ');
}

async function carryParked(
  name: string,
  parked: readonly ParkedEvent[],
  pairs: PositionPairs,
  store: ProcessorStore,
): Promise<void> {
  const wanted = new Map<Position, ParkedEvent>();
  for (const event of parked) {
    const { position, exact } = pairs.find(event.position);
    if (position === undefined || !exact) {
      throw new Error(
        `${name} has parked event ${event.eventId} at ${event.position}, where the source has none.`,
      );
    }
    wanted.set(position, { ...event, position });
  }
  for (const { position } of await store.listParked(name)) {
    if (!wanted.has(position)) await store.unpark(name, position);
  }
  for (const event of wanted.values()) await store.park(event);
}
