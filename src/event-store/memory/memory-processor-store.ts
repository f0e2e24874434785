import type { Position } from '@taskmanager/protocol';
import { LogUnavailable } from '../event-log.errors.js';
import {
  ProcessorStore,
  type ParkedEvent,
  type ParkedWish,
  type ProcessorLease,
} from '../processor-store.port.js';

/** What a processor store in memory holds; it outlives the store, as a file would. */
export class MemoryProcessorStorage {
  readonly checkpoints = new Map<string, Position>();
  readonly leases = new Map<string, ProcessorLease>();
  readonly epochs = new Map<string, number>();
  readonly paused = new Set<string>();
  readonly parked = new Map<string, Map<Position, ParkedEvent>>();
}

/** The processor store for tests. Two stores on one storage are two processes on one file. */
export class MemoryProcessorStore extends ProcessorStore {
  private closed = false;

  constructor(private readonly storage = new MemoryProcessorStorage()) {
    super();
  }

  async listProcessors(): Promise<readonly string[]> {
    const { checkpoints, paused, parked } = this.open();
    const parking = [...parked].filter(([, events]) => events.size > 0).map(([name]) => name);
    return [...new Set([...checkpoints.keys(), ...paused, ...parking])].sort();
  }

  async readCheckpoint(processor: string): Promise<Position | undefined> {
    return this.open().checkpoints.get(processor);
  }

  async moveCheckpoint(
    processor: string,
    expected: Position | undefined,
    position: Position,
  ): Promise<boolean> {
    const { checkpoints } = this.open();
    if (checkpoints.get(processor) !== expected) return false;
    checkpoints.set(processor, position);
    return true;
  }

  async acquireLease(
    processor: string,
    owner: string,
    ttlMs: number,
    now: number,
  ): Promise<ProcessorLease | undefined> {
    const { leases, epochs } = this.open();
    const held = leases.get(processor);
    const own = held?.owner === owner;
    if (held && !own && held.expiresAt > now) return undefined;
    const epoch = (epochs.get(processor) ?? 0) + (own ? 0 : 1);
    const lease = { owner, epoch, expiresAt: now + ttlMs };
    leases.set(processor, lease);
    epochs.set(processor, epoch);
    return lease;
  }

  async readLease(processor: string): Promise<ProcessorLease | undefined> {
    return this.open().leases.get(processor);
  }

  async releaseLease(processor: string, owner: string): Promise<void> {
    const { leases } = this.open();
    if (leases.get(processor)?.owner === owner) leases.delete(processor);
  }

  async park(event: ParkedEvent): Promise<void> {
    const { parked } = this.open();
    const events = parked.get(event.processor) ?? new Map<Position, ParkedEvent>();
    parked.set(event.processor, events);
    const parkedAt = events.get(event.position)?.parkedAt ?? event.parkedAt;
    events.set(event.position, { ...event, parkedAt });
  }

  async listParked(processor: string): Promise<readonly ParkedEvent[]> {
    const events = this.open().parked.get(processor)?.values() ?? [];
    return [...events].sort((a, b) => (a.position < b.position ? -1 : 1));
  }

  async listWanted(processor: string): Promise<readonly ParkedEvent[]> {
    return (await this.listParked(processor)).filter(({ wanted }) => wanted);
  }

  async want(processor: string, position: Position, wanted: ParkedWish): Promise<boolean> {
    const events = this.open().parked.get(processor);
    const event = events?.get(position);
    if (event) events?.set(position, { ...event, wanted });
    return event !== undefined;
  }

  async unpark(processor: string, position: Position): Promise<boolean> {
    return this.open().parked.get(processor)?.delete(position) ?? false;
  }

  async setPaused(processor: string, paused: boolean): Promise<void> {
    if (paused) this.open().paused.add(processor);
    else this.open().paused.delete(processor);
  }

  async isPaused(processor: string): Promise<boolean> {
    return this.open().paused.has(processor);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private open(): MemoryProcessorStorage {
    if (this.closed) throw new LogUnavailable('it is closed', false);
    return this.storage;
  }
}
