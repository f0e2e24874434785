import type { WorkerRoots } from './worker-roots.js';

/** What the handlers of one worker process share. */
export interface WorkerContext {
  readonly roots: WorkerRoots;
  /**
   * Whether repositories may be fetched from addresses that are not public: this machine, its own
   * networks, the metadata services of clouds (`WORKER_ALLOW_PRIVATE`).
   */
  readonly allowPrivateAddresses: boolean;
  /** A PEM file of those who sign the certificates of git servers, if not the usual ones (`WORKER_GIT_CA`). */
  readonly gitCaFile?: string;
  /** The addresses of a host; the system's resolver when left out. Rejects as `dns.lookup` does. */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
}
