/** Where progress is shown: a terminal, or anything that takes text. */
export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Milliseconds that only go forwards. */
export type Stopwatch = () => number;

const BAR_EVERY_MS = 100;
const LINE_EVERY_MS = 10_000;
const BAR_WIDTH = 24;
const SECOND_MS = 1_000;

/**
 * Shows how far one step has come: on a terminal one line with a bar that is written over, elsewhere a
 * plain line every few seconds.
 */
export class Progress {
  private readonly started: number;
  private shown: number;
  private open = false;

  constructor(
    private readonly output: ProgressOutput,
    /** What is being done, e.g. `copying`. */
    private readonly step: string,
    private readonly now: Stopwatch,
  ) {
    this.started = now();
    this.shown = output.isTTY ? -Infinity : this.started;
  }

  /**
   * @param events done in this step
   * @param fraction of the step that is done, 0 to 1
   */
  update(events: number, fraction: number): void {
    const now = this.now();
    if (now - this.shown < (this.output.isTTY ? BAR_EVERY_MS : LINE_EVERY_MS)) return;
    this.shown = now;
    const elapsed = now - this.started;
    const done = Math.min(1, Math.max(0, fraction));
    const text = [
      `${String(Math.floor(done * 100)).padStart(3)} %`,
      `${count(events)} events`,
      ...(elapsed > 0 ? [`${count((events / elapsed) * SECOND_MS)}/s`] : []),
      ...(done > 0 && elapsed > 0 ? [`${duration((elapsed / done) * (1 - done))} left`] : []),
    ].join(', ');
    if (!this.output.isTTY) {
      this.output.write(`${this.step}: ${text.trimStart()}\n`);
      return;
    }
    const bar = '#'.repeat(Math.round(done * BAR_WIDTH)).padEnd(BAR_WIDTH, '.');
    const line = `${this.step} [${bar}] ${text}`;
    this.output.write(`\r\u001b[2K${line.slice(0, (this.output.columns ?? 80) - 1)}`);
    this.open = true;
  }

  /** Takes the bar away, and answers how long the step took in milliseconds. */
  end(): number {
    if (this.open) this.output.write('\r\u001b[2K');
    this.open = false;
    return this.now() - this.started;
  }
}

export const count = (number: number): string => Math.round(number).toLocaleString('en-US');

/** `850 ms`, `12.3 s`, `4 min 05 s`, `2 h 10 min`. */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  const seconds = ms / SECOND_MS;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  const two = (number: number) => String(Math.floor(number)).padStart(2, '0');
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}
