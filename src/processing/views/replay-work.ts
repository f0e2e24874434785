import { type JobWork, Pace } from '../../jobs/index.js';

/** A job that reads much: it gives way to commands, and ends when it is told to. */
export class ReplayWork {
  constructor(
    private readonly job: JobWork,
    private readonly pace = new Pace(),
  ) {}

  /** Cheap: may be called for every page. */
  report(progress: Parameters<JobWork['report']>[0]): void {
    this.job.report(progress);
  }

  /** To be called after each piece of work. Rejects with the reason when the job is to end. */
  async turn(): Promise<void> {
    await this.pace.turn();
    this.job.signal.throwIfAborted();
  }
}
