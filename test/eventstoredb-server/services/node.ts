import { type Metadata } from '@grpc/grpc-js';
import { type CallLog } from '../call-log.js';
import { type Faults } from '../faults.js';
import { type OpenCalls } from '../open-calls.js';
import { type EventStore } from '../store/event-store.js';

/** What all services of a server share. */
export interface Node {
  readonly store: EventStore;
  readonly faults: Faults;
  readonly calls: CallLog;
  readonly openCalls: OpenCalls;
  readonly port: () => number;
}

/** Server: the client says by a header that only a leader may answer it. */
export const requiresLeader = (metadata: Metadata): boolean =>
  metadata.get('requires-leader')[0]?.toString().toLowerCase() === 'true';
