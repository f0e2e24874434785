import type { Position } from '@taskmanager/protocol';
import { backoffMs } from '../backoff.js';

/** While events are handled, so long from one move to the next: what a kill brings again. */
const HANDLING_MS = 100;
/** While all events are for others, for then nothing is gained but a short way after a restart. */
const PASSING_MS = 1_000;

/** What the writer of a checkpoint has to do with. */
export interface CheckpointPlace {
  /** Everything up to here is finished now. */
  finishedTo(): Position | undefined;
  /** Makes sure that what was handled has left the process. */
  flush(): Promise<void>;
  /** False when somebody else moved it. */
  move(from: Position | undefined, to: Position): Promise<boolean>;
  /** Somebody else moved it: nothing is written any more. */
  lost(): void;
  failed(error: unknown): void;
}

/**
 * Moves a checkpoint behind the events that are finished: one move at a time, each flushed before, and
 * rarely. What fails is tried again for ever, until the writer is ended.
 */
export class CheckpointWriter {
  /** Of the move at hand; 0 when all is well. */
  failures = 0;
  private timer: NodeJS.Timeout | undefined;
  private due = Infinity;
  private movedAt = -Infinity;
  private moving: Promise<void> | undefined;
  private handled = false;
  private ended = false;

  /** `stored`: where it stands. */
  constructor(
    private readonly place: CheckpointPlace,
    private stored: Position | undefined,
  ) {}

  get position(): Position | undefined {
    return this.stored;
  }

  /** More is finished: `handled`, or only passed over. */
  progressed(handled: boolean): void {
    this.handled ||= handled;
    if (!this.moving && !this.ended && this.failures === 0) this.arm();
  }

  /** With `final` what is finished is written first, in one try. Resolves when nothing is under way. */
  async end(final: boolean): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    await this.moving;
    if (final) await this.move();
  }

  private arm(): void {
    const pause = this.failures > 0 ? backoffMs(this.failures) : this.usualPause;
    const due = this.movedAt + pause;
    if (due >= this.due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => this.begin(), Math.max(0, due - performance.now())).unref();
  }

  private get usualPause(): number {
    return this.handled ? HANDLING_MS : PASSING_MS;
  }

  private begin(): void {
    this.due = Infinity;
    this.moving = this.move().then(() => {
      this.moving = undefined;
      if (this.ended) return;
      const { place, stored } = this;
      if (this.failures > 0 || place.finishedTo() !== stored) this.arm();
    });
  }

  /** Never rejects. */
  private async move(): Promise<void> {
    const { place, stored } = this;
    const to = place.finishedTo();
    this.handled = false;
    if (to === undefined || to === stored) return;
    try {
      await place.flush();
      if (await place.move(stored, to)) this.stored = to;
      else {
        this.ended = true;
        place.lost();
      }
      this.failures = 0;
    } catch (error) {
      this.failures += 1;
      place.failed(error);
    }
    this.movedAt = performance.now();
  }
}
