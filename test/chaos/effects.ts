import type { Position } from '@taskmanager/protocol';
import { v5 } from 'uuid';
import { SystemClock } from '../../src/context/index.js';
import { type ProcessorStore, RevisionConflict } from '../../src/event-store/index.js';
import {
  EventStoreDbEventLog,
  type EventStoreDbOptions,
  EventStoreDbProcessorStore,
} from '../../src/event-store/eventstoredb/index.js';
import {
  CheckpointMoved,
  type Processor,
  type ProcessorBatch,
} from '../../src/processing/index.js';
import { ProcessorLoop } from '../../src/processing/processor-loop.js';
import type { LogRow } from '../crash/log-rows.js';

const NAMESPACE = 'd6c5b7a0-1a9c-4f0e-8f4e-6d1f6e9a2b11';
/** Of another log in the same cluster: what the processor does is to append there. */
export const EFFECTS_PREFIX = 'effects.';
const hasEffect = (type: string): boolean =>
  ['TaskCompleted', 'TaskFailed', 'TaskPaused', 'TaskApprovalRequested'].includes(type);

/**
 * A processor as a saga will be: it has an effect for some events, under an id that comes from the event,
 * and its checkpoint, in the `ProcessorStore`, moves when the effect is done. It is stopped and begun
 * anew by another owner now and then.
 */
export class Effects implements Processor {
  readonly name = 'effects';
  readonly version = 1;
  readonly filter = { streamPrefix: 'task-' };
  readonly problems: string[] = [];
  /** Ids of events, in the order in which each was handled first. */
  readonly handled: string[] = [];
  /** Handled once more, for nobody knew whether the checkpoint had moved. */
  again = 0;
  begun = 0;
  failures = 0;
  private readonly known = new Set<string>();
  private confirmed: Position | undefined;
  /** To these it was to be moved, and nobody knows whether it was: one of them may come true late. */
  private readonly attempted = new Set<Position>();
  private loop: ProcessorLoop | undefined;

  private constructor(
    private readonly log: EventStoreDbEventLog,
    private readonly effects: EventStoreDbEventLog,
    private store: ProcessorStore,
    private readonly options: EventStoreDbOptions,
  ) {}

  static async start(options: EventStoreDbOptions): Promise<Effects> {
    const [log, effects, store] = await Promise.all([
      EventStoreDbEventLog.open(options),
      EventStoreDbEventLog.open({ ...options, streamPrefix: EFFECTS_PREFIX }),
      EventStoreDbProcessorStore.open(options),
    ]);
    const started = new Effects(log, effects, store, options);
    started.begin();
    return started;
  }

  /** Whether the checkpoint has come this far. */
  hasReached(position: string): boolean {
    return (this.confirmed ?? '') >= position;
  }

  /** Somebody else goes on from the checkpoint, with nothing of the old one in memory. */
  async restart(): Promise<void> {
    await this.loop?.stop();
    const old = this.store;
    this.store = await EventStoreDbProcessorStore.open(this.options);
    await old.close();
    this.begin();
  }

  async stop(): Promise<void> {
    await this.loop?.stop();
    await this.store.close();
    await this.effects.close();
    await this.log.close();
  }

  async open(): Promise<Position | undefined> {
    this.begun++;
    const stored = await this.store.readCheckpoint(this.name);
    if (stored !== this.confirmed && (stored === undefined || !this.attempted.has(stored))) {
      this.problems.push(
        `The checkpoint is ${stored}; it was ${this.confirmed}, to be moved to ${[...this.attempted].join(' or ')}.`,
      );
    }
    return (this.confirmed = stored);
  }

  async handle({ events, position }: ProcessorBatch): Promise<Position | undefined> {
    await Promise.all(
      events.filter(({ type }) => hasEffect(type)).map(({ id, type }) => this.effect(id, type)),
    );
    for (const { id } of events) {
      if (this.known.has(id)) this.again++;
      else this.handled.push(id);
      this.known.add(id);
    }
    if (position === undefined || position === this.confirmed) return this.confirmed;
    this.attempted.add(position);
    if (!(await this.store.moveCheckpoint(this.name, this.confirmed, position))) {
      throw new CheckpointMoved(this.name);
    }
    // Of what was tried before nothing can come true any more: the stream has gone on.
    this.attempted.clear();
    return (this.confirmed = position);
  }

  /** What is wrong with what it did, beside the log and its effects as they are stored. */
  allProblems(rows: readonly LogRow[], effects: readonly LogRow[]): string[] {
    const events = rows.filter(({ stream }) => stream.startsWith('task-'));
    const skipped = events.findIndex(({ id }, n) => id !== this.handled[n]);
    const due = events.filter(({ type }) => hasEffect(type)).map(({ id }) => id);
    const done = effects.map(({ data }) => (JSON.parse(data) as { cause: string }).cause);
    const causes = new Set(done);
    const missing = due.filter((id) => !causes.has(id));
    return [
      ...this.problems,
      ...(skipped === -1
        ? []
        : [`The processor handled ${this.handled[skipped]}; event ${events[skipped]!.id} is due.`]),
      ...missing.map((id) => `The processor had no effect for event ${id}.`),
      ...(done.length === due.length
        ? []
        : [`The processor had ${done.length} effects; ${due.length} are due.`]),
    ];
  }

  private begin(): void {
    this.loop = new ProcessorLoop(this, this.log, new SystemClock(), {
      reached: () => undefined,
      failed: () => void this.failures++,
    });
    this.loop.start();
  }

  private async effect(cause: string, type: string): Promise<void> {
    const event = { id: v5(cause, NAMESPACE), type, data: JSON.stringify({ cause }) };
    try {
      await this.effects.append(`effect-${cause}`, 'no_stream', [{ ...event, metadata: '{}' }]);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      this.problems.push(`Event ${cause} has an effect that is not its own.`);
    }
  }
}
