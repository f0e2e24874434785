/** A claim as those who ask for workers see it. */
export interface WorkerClaim {
  readonly workerId: string;
  readonly actor: string;
  /** Apps whose tasks it may take; all when undefined. */
  readonly apps?: readonly string[];
  readonly taskTypes: readonly string[];
}

/** Who claims tasks at this process: heard of with each claim, and forgotten after a while. */
export abstract class Workers {
  abstract seen(claim: WorkerClaim): void;

  /** Runs a wait, during which the worker counts as waiting. */
  abstract whileWaiting<T>(claim: WorkerClaim, wait: () => T | Promise<T>): Promise<T>;
}
