import { type ChildProcess } from 'node:child_process';
import { type CallCount, type Method } from './call-log.js';
import { type ServerOptions } from './eventstoredb-server.js';
import { type FaultSettings, type FaultStatus } from './fault-settings.js';

/** A server in a process of its own. It ends with this process, whatever ends this one. */
export interface SpawnedEventStoreDbServer {
  readonly port: number;
  readonly connectionString: string;
  /** The running process; another one after `restart()`. */
  readonly child: ChildProcess;
  /** Stops the process where it stands (SIGSTOP): its sockets stay open and nobody answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL. What is in memory is lost; with a folder all that was acknowledged comes back. */
  kill(): Promise<void>;
  /** Kills it if it runs, and starts it at the same port; faults and counts begin anew. */
  restart(): Promise<void>;
  /** Ends subscriptions without an error and open calls as they are answered, then the process. */
  shutdown(): Promise<void>;
  /** Ends it for good. */
  close(): Promise<void>;
  /** As `Faults.set` in the process, and so on below; each resolves when it is done. */
  setFault(settings: FaultSettings): Promise<void>;
  clearFaults(): Promise<void>;
  endSubscriptions(): Promise<void>;
  failSubscriptions(fault: FaultStatus): Promise<void>;
  failSubscriptionsAsTooSlow(): Promise<void>;
  failReads(fault: FaultStatus): Promise<void>;
  failBatchAppends(fault: FaultStatus): Promise<void>;
  calls(): Promise<Partial<Record<Method, CallCount>>>;
}

/** Compiles the server, starts it and waits until it listens. */
export function spawnEventStoreDbServer(
  options?: ServerOptions,
): Promise<SpawnedEventStoreDbServer>;
