import type { JobProgress } from '@taskmanager/protocol';

/** The rate is that of about this long, milliseconds. */
const WINDOW_MS = 5_000;

/** How far a job is, with its rate of late and what is left by it. Told as often as one likes. */
export class ProgressMeter {
  private said: Omit<JobProgress, 'rate' | 'leftMs'> | undefined;
  /** Where it was at the beginning of this window, and of the one before. */
  private marks: { readonly at: number; readonly done: number }[] = [];

  /** @param now milliseconds of a clock that never goes back */
  constructor(private readonly now: () => number) {}

  report(progress: Omit<JobProgress, 'rate' | 'leftMs'>): void {
    const at = this.now();
    const { step, done } = progress;
    const last = this.marks.at(-1);
    if (this.said?.step !== step || !last || done < last.done) this.marks = [{ at, done }];
    else if (at - last.at >= WINDOW_MS) this.marks = [last, { at, done }];
    this.said = progress;
  }

  get progress(): JobProgress | undefined {
    const { said } = this;
    const [mark] = this.marks;
    if (!said || !mark) return said;
    const elapsedMs = this.now() - mark.at;
    const rate = elapsedMs > 0 ? ((said.done - mark.done) * 1_000) / elapsedMs : 0;
    if (rate <= 0) return said;
    const left = said.total === undefined ? undefined : Math.max(0, said.total - said.done);
    return {
      ...said,
      rate: Math.round(rate),
      ...(left !== undefined && { leftMs: Math.round((left * 1_000) / rate) }),
    };
  }
}
