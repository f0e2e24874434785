import type { Logger } from '@nestjs/common';
import type { Clock } from '../../context/index.js';
import type { EventLog, ProcessorStore } from '../../event-store/index.js';
import type { ProcessorHandler } from './processor-handler.js';

/** What a handler is run with. */
export interface RunPlace {
  readonly handler: ProcessorHandler;
  readonly log: EventLog;
  readonly store: ProcessorStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** When a run ends: `closing` fires first, nothing is begun any more; `giveUp` ends what is in hand. */
export interface RunSignals {
  readonly closing: AbortSignal;
  readonly giveUp: AbortSignal;
  /** Looks at the clock too: `closing` may fire late while the event loop is busy. */
  isOver(): boolean;
}
