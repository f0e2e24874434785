import type { JobProgress } from '@taskmanager/client';
import cliProgress from 'cli-progress';
import { isTerminal } from '../output/output.js';
import type { Out } from '../io.js';
import { progressLine } from './progress-line.js';

/** What is over sooner shows no bar, milliseconds. */
const SHOWN_AFTER_MS = 400;
/** Where there is no terminal, a line so often, milliseconds. */
const LINE_EVERY_MS = 10_000;

/**
 * Shows how far something is, on standard error: a bar on a terminal, a line now and then elsewhere. To
 * be stopped by whoever made it; nothing of the bar stays.
 */
export class ProgressDisplay {
  private bar: cliProgress.SingleBar | undefined;
  private readonly since = performance.now();
  private lineAt = this.since;

  constructor(
    private readonly errors: Out,
    private readonly title: string,
  ) {}

  update(progress: JobProgress): void {
    const now = performance.now();
    if (isTerminal(this.errors)) {
      if (now - this.since >= SHOWN_AFTER_MS) this.draw(progress);
    } else if (now - this.lineAt >= LINE_EVERY_MS) {
      this.lineAt = now;
      this.errors.write(`${progressLine(this.title, progress)}\n`);
    }
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  private draw(progress: JobProgress): void {
    const payload = { progress };
    if (this.bar) this.bar.update(progress.done, payload);
    else {
      this.bar = new cliProgress.SingleBar({
        stream: this.errors,
        format: (_options, _params, { progress: latest }: typeof payload) =>
          progressLine(this.title, latest, (this.errors.columns ?? 80) - 1),
        hideCursor: true,
        clearOnComplete: true,
        stopOnComplete: false,
        gracefulExit: false,
        fps: 10,
      });
      this.bar.start(Number.MAX_SAFE_INTEGER, progress.done, payload);
    }
  }
}
