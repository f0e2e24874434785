import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { offsetOf, type Position } from '@taskmanager/protocol';
import type { Clock } from '../context/index.js';
import type { EventLog } from '../event-store/index.js';
import { backoffMs } from './backoff.js';
import { CheckpointMoved, type Processor, type ProcessorStatus } from './processor.js';

/** How often one that is paused looks whether another process has resumed it. */
const PAUSED_LOOK_MS = 1_000;

/** Reading, decoding and folding this many events holds the event loop for about five milliseconds. */
const BATCH = 500;

/** What the loop knows of how its processor is doing. */
export type LoopStatus = Omit<ProcessorStatus, 'kind' | 'parked' | 'paused'>;

/** Who hears of what happens to a processor. */
export interface LoopListener {
  reached(position: Position): void;
  failed(error: Error, failures: number): void;
}

/**
 * Runs one processor: reads the log from its checkpoint, hands it batch after batch, and begins again
 * from the checkpoint, after a growing pause, whenever something goes wrong. Batches are pulled: under
 * load what was appended meanwhile comes as one, at rest an event comes by itself and at once.
 * What fails is tried for ever here: whether it is one event's fault, which is then to be parked, is for
 * the processor to know.
 */
export class ProcessorLoop {
  private readonly stopping = new AbortController();
  private subscription = new AbortController();
  private running: Promise<void> | undefined;
  private position: Position | undefined;
  private state: ProcessorStatus['state'] = 'starting';
  private failures = 0;
  private lastError: ProcessorStatus['lastError'];

  constructor(
    private readonly processor: Processor,
    private readonly log: EventLog,
    private readonly clock: Clock,
    private readonly listener: LoopListener,
  ) {}

  /** A second call does nothing: a rebuild that is gone on with may have begun it before the bootstrap. */
  start(): void {
    this.running ??= this.run();
  }

  /** Resolves when the batch at hand is done and nothing will follow. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.subscription.abort();
    await this.running;
    this.state = 'stopped';
  }

  /** Goes back to the checkpoint once the batch at hand is done; sees whether it is paused. */
  reopen(): void {
    this.subscription.abort();
  }

  status(head: Position | undefined): LoopStatus {
    const { position, lastError } = this;
    const { name, version } = this.processor;
    return {
      name,
      version,
      state: this.state,
      failures: this.failures,
      ...(position && { position }),
      ...(lastError && { lastError }),
      ...(head && { lag: Number(offsetOf(head) - (position ? offsetOf(position) : 0n)) }),
    };
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        if (this.processor.isPaused?.()) await this.rest();
        else await this.follow();
      } catch (error) {
        if (error instanceof CheckpointMoved) await nextTurn();
        else await this.pauseAfter(error);
      }
    }
  }

  private async follow(): Promise<void> {
    this.subscription = new AbortController();
    const { signal } = this.subscription;
    const { processor } = this;
    const from = await processor.open();
    this.opened(from);
    const batches = this.log.subscribe({
      from: from ?? 'start',
      filter: processor.filter,
      batchSize: BATCH,
      signal,
    });
    for await (const { events, position, caughtUp } of batches) {
      this.reached(await processor.handle({ events, position, caughtUp }));
      this.failures = 0;
      this.state = caughtUp ? 'live' : 'catching_up';
      if (this.stopping.signal.aborted || signal.aborted) return;
      // Reading from memory never waits, so everybody else's turn has to be given here.
      await nextTurn();
    }
    if (!signal.aborted) throw new Error('The event log ended the subscription.');
  }

  /** What there is serves on; it is opened again when somebody else may have changed it. */
  private async rest(): Promise<void> {
    this.subscription = new AbortController();
    const { signal } = this.subscription;
    this.opened(await this.processor.open());
    this.failures = 0;
    this.state = 'paused';
    while (!signal.aborted && this.processor.isPaused?.()) {
      await sleep(PAUSED_LOOK_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
    this.state = 'starting';
  }

  /** Maybe farther back than before, or at the beginning: a view that is built anew. */
  private opened(position: Position | undefined): void {
    if (position === undefined) this.position = undefined;
    else this.reached(position);
  }

  private reached(position: Position | undefined): void {
    if (position === undefined || position === this.position) return;
    this.position = position;
    this.failures = 0;
    this.listener.reached(position);
  }

  private async pauseAfter(reason: unknown): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const error = reason instanceof Error ? reason : new Error(String(reason));
    this.failures += 1;
    this.state = 'retrying';
    this.lastError = { message: error.message, at: this.clock.now() };
    this.listener.failed(error, this.failures);
    const { signal } = this.stopping;
    await sleep(backoffMs(this.failures), undefined, { signal, ref: false }).catch(() => undefined);
  }
}
