import type { Position } from '@taskmanager/protocol';
import { LogUnavailable } from '../event-log.errors.js';
import {
  ProcessorStore,
  type ParkedEvent,
  type ParkedWish,
  type ProcessorLease,
} from '../processor-store.port.js';
import { LogFile } from './log-file.js';
import { ProcessorTables } from './processor-tables.js';
import type { SqliteEventStoreOptions } from './sqlite-options.js';
import type { AnswerOf, ArgumentsOf, OperationName } from './write-operations.js';

/** Checkpoints, leases, pauses and parked events in the log's file; their writes share its commits. */
export class SqliteProcessorStore extends ProcessorStore {
  private readonly tables: ProcessorTables;
  private closing: Promise<void> | undefined;

  constructor(private readonly file: LogFile) {
    super();
    file.retain();
    this.tables = new ProcessorTables(file.db);
  }

  /** For a program that needs no event log beside it; else both are made on one {@link LogFile}. */
  static open(options: SqliteEventStoreOptions): SqliteProcessorStore {
    return new SqliteProcessorStore(LogFile.open(options));
  }

  listProcessors(): Promise<readonly string[]> {
    return this.read((tables) => tables.processors());
  }

  readCheckpoint(processor: string): Promise<Position | undefined> {
    return this.read((tables) => tables.checkpoint(processor));
  }

  moveCheckpoint(
    processor: string,
    expected: Position | undefined,
    position: Position,
  ): Promise<boolean> {
    return this.write('moveCheckpoint', [processor, expected, position]);
  }

  acquireLease(
    processor: string,
    owner: string,
    ttlMs: number,
    now: number,
  ): Promise<ProcessorLease | undefined> {
    return this.write('acquireLease', [processor, owner, now + ttlMs, now]);
  }

  readLease(processor: string): Promise<ProcessorLease | undefined> {
    return this.read((tables) => tables.lease(processor));
  }

  releaseLease(processor: string, owner: string): Promise<void> {
    return this.write('releaseLease', [processor, owner]);
  }

  park(event: ParkedEvent): Promise<void> {
    return this.write('park', [event]);
  }

  listParked(processor: string): Promise<readonly ParkedEvent[]> {
    return this.read((tables) => tables.parked(processor));
  }

  listWanted(processor: string): Promise<readonly ParkedEvent[]> {
    return this.read((tables) => tables.wanted(processor));
  }

  want(processor: string, position: Position, wish: ParkedWish): Promise<boolean> {
    return this.write('want', [processor, position, wish]);
  }

  unpark(processor: string, position: Position): Promise<boolean> {
    return this.write('unpark', [processor, position]);
  }

  setPaused(processor: string, paused: boolean): Promise<void> {
    return this.write('setPaused', [processor, paused]);
  }

  isPaused(processor: string): Promise<boolean> {
    return this.read((tables) => tables.isPaused(processor));
  }

  close(): Promise<void> {
    this.closing ??= this.file.release();
    return this.closing;
  }

  private async read<T>(query: (tables: ProcessorTables) => T): Promise<T> {
    this.assertOpen();
    return this.file.read(() => query(this.tables));
  }

  private async write<Name extends OperationName>(
    name: Name,
    args: ArgumentsOf<Name>,
  ): Promise<AnswerOf<Name>> {
    this.assertOpen();
    return this.file.queue.run(name, args);
  }

  private assertOpen(): void {
    if (this.closing) throw new LogUnavailable('it is closed', false);
  }
}
