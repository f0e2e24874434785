import type { Position } from '@taskmanager/protocol';
import type { ViewsDatabase } from '../../database/index.js';
import type { EventLog } from '../../event-store/index.js';
import type { Pace } from '../../jobs/index.js';
import type { ViewTables } from './view.js';
import type { Generation, ViewGenerations } from './view-generations.js';

/** Where views lie, and the log that they are folded from. */
export interface ViewPlace {
  readonly database: ViewsDatabase;
  readonly generations: ViewGenerations;
  readonly log: EventLog;
}

/** A build that a job has ordered, beside the one that serves. */
export interface BuildOrder {
  readonly generation: number;
  readonly pace: Pace;
  /** The build that serves is kept when this one takes its place. */
  readonly keepOld: boolean;
  /** Everything up to here is folded, in memory at least. */
  folded(position: Position): void;
  /** It has caught up: whether it may serve. Asked with each batch until it may. */
  mayServe(): boolean;
}

/** The tables that a rebuild filled were given up: another process did, or a start after an interruption. */
export class GenerationGone extends Error {
  override readonly name = 'GenerationGone';

  constructor(view: string, generation: number) {
    super(`Build ${generation} of ${view} was given up by somebody else. Ask for a rebuild again.`);
  }
}

/** The view knows events that the log does not hold: an older copy of the log was put in its place. */
export class ViewOfAnotherHistory extends Error {
  override readonly name = 'ViewOfAnotherHistory';

  constructor(view: string, { position }: Generation) {
    super(
      `${view} had come to ${position ?? 'its first events'}, but not in this log: an older one was put in its place. ${view} is built anew from what the log holds.`,
    );
  }
}

/**
 * The build that a process is to keep: `pinned`, else the one that serves or is to serve next; a new one
 * when there is none. Builds from other logs are given up. Throws {@link GenerationGone}.
 */
export function pickGeneration(
  { database, generations, log }: ViewPlace,
  view: string,
  version: number,
  pinned: number | undefined,
): Generation {
  return database.write(() => {
    const stored = generations.of(view);
    const mine = stored.filter(
      ({ state, version: made, log_id }) =>
        (state === 'serving' || state === 'building') && made === version && log_id === log.logId,
    );
    if (pinned !== undefined) {
      const found = mine.find(({ generation }) => generation === pinned);
      if (!found) throw new GenerationGone(view, pinned);
      return found;
    }
    for (const old of stored) {
      if (old.log_id !== log.logId && old.state !== 'retired') generations.setState(old, 'retired');
    }
    return (
      mine.find(({ state }) => state === 'serving') ??
      mine.find(({ job }) => job === null) ??
      generations.begin(view, version, log.logId)
    );
  });
}

/** False when an older log was put back, which may have grown since: what the rows say has not happened. */
export async function isOfThisHistory(
  { position, ahead }: Generation,
  tables: ViewTables,
  log: EventLog,
): Promise<boolean> {
  const reached = position === null ? ahead : laterOf(ahead, position);
  if (reached === null) return true;
  // Asked after the checkpoint was read: another process may be moving both.
  const end = await log.head();
  return end !== undefined && end >= reached && (await tables.isOf(log));
}

export function laterOf(a: Position | null, b: Position): Position {
  return a !== null && a > b ? a : b;
}
