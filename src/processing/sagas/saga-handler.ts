import type { StoredTaskEvent } from '../../events/index.js';
import { TASK_STREAM_PREFIX } from '../../events/index.js';
import type { ProcessorHandler } from '../handlers/processor-handler.js';
import type { SagaOptions } from './saga.js';
import type { SagaCommands } from './saga-commands.js';

/** Asks a saga for the commands that follow from an event: its method for that type of event. */
export type OnMethod = (event: StoredTaskEvent) => readonly object[];

const ATTEMPTS = 5;

/** A saga as the run sees it: an event is handled when the commands that follow from it are done. */
export class SagaHandler implements ProcessorHandler {
  readonly kind = 'saga';
  readonly beginsAt = 'start';
  readonly attempts = ATTEMPTS;
  readonly name: string;
  readonly version: number;
  readonly filter: ProcessorHandler['filter'];

  /** `methods`: by the event's type. */
  constructor(
    { name, version }: SagaOptions,
    private readonly methods: ReadonlyMap<string, OnMethod>,
    private readonly commands: SagaCommands,
  ) {
    this.name = name;
    this.version = version;
    this.filter = { streamPrefix: TASK_STREAM_PREFIX, types: [...methods.keys()] };
  }

  async handle(event: StoredTaskEvent, signal: AbortSignal): Promise<void> {
    const commands = this.methods.get(event.event.type)?.(event) ?? [];
    if (commands.length === 0) return;
    const cause = {
      id: event.id,
      correlationId: event.metadata.$correlationId,
      causationId: event.id,
    };
    await this.commands.send(this.name, cause, commands, signal);
  }
}
