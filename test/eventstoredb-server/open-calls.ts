import { type FaultStatus } from './fault-settings.js';

/** A streaming call that the server can end from its side. */
export interface OpenCall {
  end(): void;
  fail(fault: FaultStatus): void;
}

/** The streaming calls that are open now, so that a fault can end them. */
export class OpenCalls {
  readonly subscriptions = new Set<OpenCall>();
  readonly reads = new Set<OpenCall>();
  readonly batchAppends = new Set<OpenCall>();
}
