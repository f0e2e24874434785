import { type CommandName, type ErrorCode, LIMITS } from '@taskmanager/protocol';
import { Batch, type BatchCommand, type BatchRefusal } from '../commands/batch.command.js';
import {
  batchedCommandId,
  type CommandContext,
  contextOf,
  Refusal,
  withContext,
} from '../context/index.js';
import { errorBody } from './error-body.js';
import { correlationIdOf } from './exchange.js';
import type { IncomingRequest } from './incoming-request.js';
import { type MessageClass, MessageShape } from './message-shape.js';
import type { Meta } from './request-meta.js';
import { type Opened, plainObject, type Requests } from './requests.js';

const ITEM_FIELDS = ['command', 'args', 'meta'];

/** Turns a batch that came over the wire into its message: every command validated, with its own context. */
export class BatchRequests {
  private readonly shapes: ReadonlyMap<string, MessageShape<object>>;

  /** @param batched the commands that may stand in a batch: those about one task */
  constructor(
    private readonly requests: Requests,
    batched: readonly MessageClass[],
  ) {
    this.shapes = new Map(batched.map((type) => [type.message, new MessageShape(type)]));
  }

  /** @throws Refusal when the batch as a whole cannot be taken; a bad command is an entry of its own */
  parse(payload: unknown, request: IncomingRequest): Batch {
    const opened = this.requests.open(payload, request);
    const context = this.requests.commandContext(opened.caller, opened.meta, request);
    request.correlationId = context.correlationId;
    const items = commandsOf(opened.fields);
    const entries = items.map((item, index) => this.entry(item, index, opened, request, context));
    const toError = (error: unknown, message: object) =>
      errorBody(error, contextOf(message).correlationId, request.subject);
    return withContext(new Batch(entries, toError), context);
  }

  private entry(
    item: unknown,
    index: number,
    opened: Opened,
    request: IncomingRequest,
    batch: CommandContext,
  ): BatchCommand | BatchRefusal {
    try {
      const { command, args, ...others } = plainObject(item, 'A command of a batch') as {
        readonly command?: unknown;
        readonly args?: unknown;
      };
      const unknown = Object.keys(others).find((name) => !ITEM_FIELDS.includes(name));
      if (unknown !== undefined) {
        const why = `has no field "${shortened(unknown)}"`;
        throw new Refusal('VALIDATION_FAILED', `A command of a batch ${why}.`);
      }
      const shape = this.shapeOf(command);
      this.requests.assertMaySend(opened.caller, command as CommandName);
      const fields = plainObject(args ?? {}, 'args');
      if (Object.hasOwn(fields, 'meta')) {
        throw new Refusal('VALIDATION_FAILED', 'meta stands beside args, not in them.');
      }
      const meta = this.metaOf(others, index, opened.meta);
      const context = this.requests.commandContext(opened.caller, meta, request);
      return { message: withContext(shape.parse(fields), context) };
    } catch (error) {
      const asked = correlationIdOf(item);
      const correlationId = hasMeta(item) ? asked : batch.correlationId;
      return { error: errorBody(error, correlationId, request.subject) };
    }
  }

  /** What the command says for itself; the rest is the batch's. Who sends is the batch's alone. */
  private metaOf(item: object, index: number, batch: Meta | undefined): Meta {
    const own = this.requests.metaOf(item);
    if (own?.token !== undefined || own?.actor !== undefined) {
      throw new Refusal('VALIDATION_FAILED', 'token and actor stand in the meta of the batch.');
    }
    const { correlationId, causationId, retry, after } = batch ?? {};
    // A batch sent again is the same commands again, whether or not each of them has an id of its own.
    const commandId =
      batch?.commandId === undefined ? undefined : batchedCommandId(batch.commandId, index);
    return { commandId, correlationId, causationId, retry, after, ...own };
  }

  private shapeOf(command: unknown): MessageShape<object> {
    const shape = typeof command === 'string' ? this.shapes.get(command) : undefined;
    if (shape) return shape;
    const shown = typeof command === 'string' ? `"${shortened(command)}"` : 'Such a command';
    const why = 'only commands about one task stand in a batch';
    throw new Refusal('VALIDATION_FAILED', `${shown} cannot be sent in a batch: ${why}.`);
  }
}

function hasMeta(item: unknown): boolean {
  return typeof item === 'object' && item !== null && Object.hasOwn(item, 'meta');
}

function commandsOf(fields: object): readonly unknown[] {
  const unknown = Object.keys(fields).find((name) => name !== 'commands' && name !== 'meta');
  if (unknown !== undefined)
    throw refused(`unknown field ${shortened(unknown)}`, shortened(unknown));
  const { commands } = fields as { readonly commands?: unknown };
  if (!Array.isArray(commands)) throw refused('commands must be a list', 'commands');
  if (commands.length <= LIMITS.batchCommands) return commands;
  const why = `commands has ${commands.length} entries; at most ${LIMITS.batchCommands} are taken`;
  throw refused(why, 'commands', 'PAYLOAD_TOO_LARGE');
}

function refused(why: string, field: string, code: ErrorCode = 'VALIDATION_FAILED'): Refusal {
  return new Refusal(code, `batch refused: ${why}.`, { field });
}

/** Names that come from outside are shown, but not at any length. */
function shortened(name: string): string {
  return name.slice(0, 100);
}
