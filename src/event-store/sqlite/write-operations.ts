import type { Position } from '@taskmanager/protocol';
import type { Database } from '@taskmanager/sqlite-driver';
import type { ExpectedRevision, Snapshot } from '../event-log.port.js';
import type { ParkedEvent, ParkedWish } from '../processor-store.port.js';
import { durabilityOf } from './connection.js';
import { EventTable, type EventTexts } from './event-table.js';
import { ProcessorTables } from './processor-tables.js';
import { SnapshotTable } from './snapshot-table.js';
import { WriteProbe } from './write-probe.js';

/**
 * Everything that is ever written to the file, by name. Arguments and answers are plain data, because
 * they may cross to a thread; each runs inside a transaction of the {@link LogWriter}.
 */
export function writeOperations(db: Database, cachedHeads: number) {
  const events = new EventTable(db, cachedHeads);
  const snapshots = new SnapshotTable(db);
  const processors = new ProcessorTables(db);
  const probe = new WriteProbe(db);
  const operations = {
    append: (stream: string, expected: ExpectedRevision, texts: readonly EventTexts[]) =>
      events.append(stream, expected, texts),
    writeSnapshot: (stream: string, snapshot: Snapshot) => snapshots.write(stream, snapshot),
    deleteSnapshot: (stream: string) => snapshots.delete(stream),
    moveCheckpoint: (processor: string, expected: Position | undefined, position: Position) =>
      processors.moveCheckpoint(processor, expected, position),
    acquireLease: (processor: string, owner: string, expiresAt: number, now: number) =>
      processors.acquireLease(processor, owner, expiresAt, now),
    releaseLease: (processor: string, owner: string) => processors.releaseLease(processor, owner),
    park: (event: ParkedEvent) => processors.park(event),
    want: (processor: string, position: Position, wish: ParkedWish) =>
      processors.want(processor, position, wish),
    unpark: (processor: string, position: Position) => processors.unpark(processor, position),
    setPaused: (processor: string, paused: boolean) => processors.setPaused(processor, paused),
    probe: () => probe.run(),
    durability: () => durabilityOf(db),
  };
  return { events, operations };
}

type Operations = ReturnType<typeof writeOperations>['operations'];
export type OperationName = keyof Operations;
export type ArgumentsOf<Name extends OperationName> = Parameters<Operations[Name]>;
export type AnswerOf<Name extends OperationName> = ReturnType<Operations[Name]>;

export interface WriteOperation<Name extends OperationName = OperationName> {
  readonly name: Name;
  readonly args: ArgumentsOf<Name>;
}
