import { offsetOf, type Position } from '@taskmanager/protocol';
import type { ParkedEvent, ParkedWish } from '../../event-store/index.js';
import { taskStream } from '../../events/index.js';
import { Doorbell } from '../doorbell.js';
import { readFlowStart } from './flow-start.js';
import { HandlerFlow } from './handler-flow.js';
import type { Ownership, Term } from '../ownership.js';
import type { ProcessorBatch, ProcessorStatus } from '../processor.js';
import { ProcessorLoop } from '../processor-loop.js';
import type { ProcessorRun } from '../processor-run.js';
import type { RunPlace } from './run-place.js';
import { unlessAborted } from './unless-aborted.js';

/** How soon it is seen that another process paused it, resumed it, or asked for parked events. */
const LOOK_MS = 1_500;
/** What is in hand may go on so long when the run is paused or the service stops. */
const GRACE_MS = 5_000;
/** And so much longer may what is given up take to end, before the service stops without it. */
const GIVEN_UP_MS = 500;
/** Written together, when what waits is asked for. */
const WISHES_AT_ONCE = 100;

/**
 * One saga or publisher while the service runs. It does something only in the terms of this process and
 * while it is not paused; each such time it begins anew from the store, after everything of the time
 * before has ended, so that the order of each task's events is kept.
 */
export class HandlerRun implements ProcessorRun {
  readonly name: string;
  private readonly loop: ProcessorLoop;
  private readonly stopping = new AbortController();
  private readonly bell = new Doorbell();
  private flow: HandlerFlow | undefined;
  private heeded: Term | undefined;
  private watching: Promise<void> = Promise.resolve();

  constructor(
    private readonly place: RunPlace,
    private readonly ownership: Ownership,
  ) {
    const { handler, log, clock, logger } = place;
    const { kind, name, version, filter } = handler;
    this.name = name;
    const processor = {
      ...{ name, version, filter },
      open: () => this.open(),
      handle: async (batch: ProcessorBatch) => {
        await this.flow?.take(batch);
        return this.flow?.checkpoint;
      },
    };
    this.loop = new ProcessorLoop(processor, log, clock, {
      reached: () => undefined,
      failed: ({ message }, failures) => {
        if (failures === 1) logger.warn(`The ${kind} ${name} begins again: ${message}`);
      },
    });
  }

  start(): void {
    this.loop.start();
    this.watching = this.watch();
  }

  async stop(): Promise<void> {
    const loopEnded = this.loop.stop();
    this.stopping.abort();
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), GRACE_MS + GIVEN_UP_MS);
    await unlessAborted(this.endFlow(GRACE_MS), limit.signal).catch(() => {
      this.place.logger.warn(`A handler of ${this.name} does not end, and is left behind.`);
    });
    clearTimeout(timer);
    await Promise.all([loopEnded, this.watching]);
  }

  async status(head: Position | undefined): Promise<readonly ProcessorStatus[]> {
    const { name } = this;
    const { store, handler } = this.place;
    const flow = this.flow?.ends.aborted ? undefined : this.flow;
    const paused = await store.isPaused(name);
    const position = flow ? flow.checkpoint : await store.readCheckpoint(name);
    const parked = flow ? flow.status.parked : (await store.listParked(name)).length;
    const loop = this.loop.status(head);
    const failures = Math.max(loop.failures, flow?.status.failures ?? 0);
    const lastError = newerOf(loop.lastError, flow?.status.lastError);
    const status: ProcessorStatus = {
      ...{ name, kind: handler.kind, version: handler.version },
      state: this.stateOf(loop.state, paused, failures),
      ...{ paused, failures, parked },
      ...(position && { position }),
      ...(lastError && { lastError }),
      ...(head && { lag: Number(offsetOf(head) - (position ? offsetOf(position) : 0n)) }),
    };
    return [status];
  }

  async setPaused(paused: boolean): Promise<void> {
    await this.place.store.setPaused(this.name, paused);
    this.bell.ring();
  }

  parked(): Promise<readonly ParkedEvent[]> {
    return this.place.store.listParked(this.name);
  }

  async release(wish: ParkedWish, taskId?: string): Promise<number> {
    const { store } = this.place;
    const stream = taskId === undefined ? undefined : taskStream(taskId);
    const events = (await store.listParked(this.name)).filter(
      (event) => stream === undefined || event.stream === stream,
    );
    const asked = events.filter(({ wanted }) => wanted !== wish);
    for (let n = 0; n < asked.length; n += WISHES_AT_ONCE) {
      const some = asked.slice(n, n + WISHES_AT_ONCE);
      // One that was handled or passed over since then is not parked again.
      await Promise.all(some.map(({ position }) => store.want(this.name, position, wish)));
    }
    this.bell.ring();
    return events.length;
  }

  private stateOf(
    loop: ProcessorStatus['state'],
    paused: boolean,
    failures: number,
  ): ProcessorStatus['state'] {
    if (loop === 'stopped') return loop;
    if (!this.ownership.current) return 'standby';
    if (paused && !this.flow) return 'paused';
    return failures > 0 ? 'retrying' : loop;
  }

  /** Resolves when this process is to run it, and nothing of the time before runs any more. */
  private async open(): Promise<Position | undefined> {
    await unlessAborted(this.endFlow(GRACE_MS), this.stopping.signal);
    const term = await this.turn();
    const start = await readFlowStart(this.place);
    const flow = new HandlerFlow(this.place, start, {
      owns: () => this.ownership.current === term,
      lost: () => this.beginAgain(0),
      lookAgain: () => this.bell.ring(),
    });
    this.flow = flow;
    this.heed(term);
    return start.checkpoint;
  }

  /** Once for each term, however often it is paused: what a pause leaves some seconds ends with the term too. */
  private heed(term: Term): void {
    if (this.heeded !== term) term.signal.addEventListener('abort', () => this.beginAgain(0));
    this.heeded = term;
    if (term.signal.aborted) this.beginAgain(0);
  }

  /** The term in which this process runs it. Rejects when the service stops. */
  private async turn(): Promise<Term> {
    const { signal } = this.stopping;
    for (;;) {
      const term = await this.ownership.whenOwner(signal);
      if (!term || signal.aborted) throw new Error('The service stops.');
      if (!(await this.place.store.isPaused(this.name))) return term;
      await this.bell.wait(LOOK_MS, signal);
    }
  }

  /** Sees what other processes ask for. */
  private async watch(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.bell.wait(LOOK_MS, signal);
      try {
        if (!this.flow) continue;
        if (await this.place.store.isPaused(this.name)) this.beginAgain(GRACE_MS);
        else await this.flow.look();
      } catch (error) {
        // The log is away: whoever reads it meets the same, and tells.
        this.place.logger.debug(`${this.name} cannot look for wishes: ${String(error)}`);
      }
    }
  }

  private beginAgain(graceMs: number): void {
    void this.flow?.end(graceMs);
    this.loop.reopen();
  }

  private async endFlow(graceMs: number): Promise<void> {
    await this.flow?.end(graceMs);
    this.flow = undefined;
  }
}

type LastError = ProcessorStatus['lastError'];

function newerOf(one: LastError, other: LastError): LastError {
  return one && other ? (one.at > other.at ? one : other) : (one ?? other);
}
