import type { Json } from '@taskmanager/protocol';
import { EventRegistry } from './event-registry.js';
import { TaskEvent } from './task-event.js';

/** One stream for what admins tell the service itself to do, with a hash chain of its own (ADR 30). */
export const ADMIN_STREAM = 'admin';

export interface AdminCommandSentData {
  /** The message's name, e.g. `pause_processor`. */
  readonly command: string;
  /** Its fields, but the reason. */
  readonly args: { readonly [key: string]: Json };
  readonly reason?: string;
}

/** An admin told the service to do something; it is written down before it is done, and may fail. */
export class AdminCommandSent extends TaskEvent<AdminCommandSentData> {
  static readonly type = 'AdminCommandSent';
  static readonly version = 1;
  readonly type = AdminCommandSent.type;
  readonly version = AdminCommandSent.version;
}

export const ADMIN_EVENT_CLASSES = [AdminCommandSent] as const;
export const adminEventRegistry = new EventRegistry<AdminCommandSent>(ADMIN_EVENT_CLASSES);
