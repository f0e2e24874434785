import { DiscoveryService } from '@nestjs/core';
import type { LogFilter } from '../../event-store/index.js';
import type { StoredTaskEvent } from '../../events/index.js';

/**
 * What a saga or a publisher does with events: something outside of the views. Its checkpoint, pause
 * and parked events live with the event log; one process at a time runs it.
 */
export interface ProcessorHandler {
  readonly name: string;
  readonly kind: 'saga' | 'publisher';
  readonly version: number;
  readonly filter: LogFilter;
  /** Where one without a checkpoint begins: sagas at the first event, publishers at those to come. */
  readonly beginsAt: 'start' | 'now';
  /** Failures of one event after which it is parked. */
  readonly attempts: number;
  /**
   * Handles one event; the next of the same task comes when it resolves, those of other tasks
   * meanwhile. May be given events again. Throws {@link TryLater} when the world is not ready for any event.
   */
  handle(event: StoredTaskEvent, signal: AbortSignal): Promise<void>;
  /**
   * Makes sure that what was handled has left the process; called before the checkpoint moves, and before
   * anything is parked or parked no longer.
   */
  flush?(): Promise<void>;
}

/** Not this event's fault: log, broker or service away or full. It is tried again for ever, never parked. */
export class TryLater extends Error {
  override readonly name = 'TryLater';
}

/** Marks a provider that is a {@link PublisherSource}. */
export const Publishers = DiscoveryService.createDecorator();

/** What the runner asks for its `publishers()` at the start. */
export interface PublisherSource {
  publishers(): readonly ProcessorHandler[];
}
