import type { Actor, TaskStatus } from '@taskmanager/protocol';

/** What is stored beside the data of every event (DESIGN §6.5). The order here is the order in the log. */
export interface EventMetadata {
  /** Epoch milliseconds; never below that of the stream's event before. */
  readonly timestamp: number;
  readonly actor: Actor;
  /** Effective command id (DESIGN §6.2). */
  readonly commandId: string;
  readonly $correlationId: string;
  readonly $causationId: string;
  readonly transport: string;
  readonly taskType: string;
  readonly appName: string;
  /** After the event. */
  readonly status: TaskStatus;
  readonly attempt: number;
  readonly workerId?: string;
  /** Version of the event's data. */
  readonly version: number;
  /** SHA-256, hex, over the previous event's hash and this event: see hash-chain.ts. */
  readonly hash: string;
}
