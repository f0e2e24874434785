import type { DryRunReport, ProjectionReport, RebuildReport } from '@taskmanager/protocol';
import type { JobWork } from '../../jobs/index.js';
import type { ProcessorRun } from '../processor-run.js';
import type { Stretch } from './compared-build.js';
import type { PositionWaiters } from './position-waiters.js';

/** What the messages of replay ask of a projection, whatever its tables are and wherever they lie. */
export interface Replayable {
  /**
   * Builds it anew beside the one that serves, compares the new build with the log, and swaps it in. Goes
   * on with what an earlier life of the same job has built. When it is aborted the build is taken away.
   * @throws Error when the new build differs from the log: the old one goes on serving
   */
  rebuild(work: JobWork, options: { readonly keepOld: boolean }): Promise<RebuildReport>;
  /** Compares what serves with the log, while both go on. */
  verify(work: JobWork): Promise<ProjectionReport>;
  /** Folds a stretch of the log, strictly after `from` up to `to`, and leaves nothing behind. */
  dryRun(work: JobWork, stretch: Stretch): Promise<DryRunReport>;
  /** Takes away builds that were kept; their generations. */
  dropBuilds(): Promise<readonly number[]>;
}

/** A projection while the service runs. */
export interface ServedProjection extends ProcessorRun, Replayable {
  /** Those who wait for what serves to have reached a position. */
  readonly waiters: PositionWaiters;
}
