import { newId } from '../new-id.js';
import type { CommandOptions } from '../options.js';
import { Call, type CallParts } from './call.js';

const CALL_MS = 30_000;
const TRY_MS = 10_000;
/** Commands that find their tasks by a filter: like queries they must see what was done before. */
const BY_FILTER: ReadonlySet<string> = new Set([
  'pause_all_running_tasks',
  'resume_last_paused_task',
  'cleanup_tasks',
]);
const NO_OPTIONS: CommandOptions = {};

export type CallRequest = Pick<CallParts, 'name' | 'subject' | 'args' | 'command'>;

/** Makes calls of what callers ask for: with ids, time limits and what else the sender goes by. */
export class CallFactory {
  constructor(
    private readonly callMs: number = CALL_MS,
    private readonly tryMs: number = TRY_MS,
  ) {}

  create({ name, subject, args, command }: CallRequest, options = NO_OPTIONS): Call {
    const { id, waitMs = 0 } = args as { readonly id?: string; readonly waitMs?: number };
    const { correlationId, causationId, signal } = options;
    const commandId = command ? (options.commandId ?? newId()) : undefined;
    return new Call({
      name,
      subject,
      args,
      command,
      meta: { commandId, correlationId, causationId },
      // A creation without an id has nobody to keep an order with.
      lane: command ? (id ?? (name === 'create_task' ? commandId : undefined)) : undefined,
      after: !command || BY_FILTER.has(name),
      waitMs,
      limitMs: options.timeoutMs ?? this.callMs,
      tryMs: this.tryMs,
      signal,
      maybeDone: options.retry ?? false,
    });
  }
}
