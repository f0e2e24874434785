import type { DryRunReport, Position, ProjectionReport } from '@taskmanager/protocol';
import type { Generation, ViewGenerations } from './view-generations.js';

/** What a view finds when it compares one of its builds with the log. */
export type Comparison = Pick<ProjectionReport, 'rows' | 'differences' | 'differenceCount'> & {
  /** Events that were folded for it. */
  readonly events: number;
};

/** What a view finds when it folds a stretch of the log with the present code. */
export type Trial = Omit<DryRunReport, 'projection' | 'ok'>;

/** Part of the log: strictly after `from`, up to and with `to`. */
export interface Stretch {
  readonly from?: Position;
  readonly to?: Position;
}

/** A build while it is compared with the log: it may move on meanwhile. */
export class ComparedBuild {
  readonly generation: number;

  constructor(
    private readonly generations: ViewGenerations,
    private readonly build: Generation,
  ) {
    this.generation = build.generation;
  }

  /**
   * Every event up to `position` is in its rows; beyond it they may hold events up to `ahead`. As it is
   * now: to be asked in the transaction that reads the rows.
   * @throws BuildReplaced when its tables are about to go
   */
  reached(): { readonly position: Position | null; readonly ahead: Position | null } {
    const { view, generation } = this.build;
    const stored = this.generations.find(view, generation);
    if (!stored || stored.state === 'retired') throw new BuildReplaced(view, generation);
    return stored;
  }

  /** Its rows stay as they were, for an event that could not be taken: that is known. */
  isParked(taskId: string): boolean {
    return this.generations.parked.has(this.build, taskId);
  }
}

/** Another build took the place of the one that is compared. */
export class BuildReplaced extends Error {
  override readonly name = 'BuildReplaced';

  constructor(view: string, generation: number) {
    super(
      `Build ${generation} of ${view} was replaced while it was compared. Compare the new one.`,
    );
  }
}
