import type { Actor, ErrorCode } from '@taskmanager/protocol';
import { EventRegistry } from './event-registry.js';
import { TaskEvent } from './task-event.js';

export const refusalStream = (taskId: string): string => `refused-${taskId}`;

export interface CommandRefusedData {
  /** The message's name, e.g. `complete_task`. */
  readonly command: string;
  readonly actor: Actor;
  readonly code: ErrorCode;
  readonly reason: string;
}

/** Somebody tried what the rules do not allow. Lives in a stream and a hash chain of its own. */
export class CommandRefused extends TaskEvent<CommandRefusedData> {
  static readonly type = 'CommandRefused';
  static readonly version = 1;
  readonly type = CommandRefused.type;
  readonly version = CommandRefused.version;
}

export interface RefusalsOmittedData {
  /** How many were recorded before this one closed the list. */
  readonly recorded: number;
}

/** The task's refusals passed their limit: the rest is in logs and metrics only. */
export class RefusalsOmitted extends TaskEvent<RefusalsOmittedData> {
  static readonly type = 'RefusalsOmitted';
  static readonly version = 1;
  readonly type = RefusalsOmitted.type;
  readonly version = RefusalsOmitted.version;
}

export const REFUSAL_EVENT_CLASSES = [CommandRefused, RefusalsOmitted] as const;
export type AnyRefusalEvent = InstanceType<(typeof REFUSAL_EVENT_CLASSES)[number]>;

export const refusalEventRegistry = new EventRegistry<AnyRefusalEvent>(REFUSAL_EVENT_CLASSES);
