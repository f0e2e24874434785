import { Inject, Injectable } from '@nestjs/common';
import { commandSubject, type CommandName, type Position } from '@taskmanager/protocol';
import {
  clientCommandId,
  Clock,
  type CommandContext,
  Ids,
  type QueryContext,
  Refusal,
  withContext,
} from '../context/index.js';
import { Authenticator } from './authenticator.js';
import type { IncomingRequest } from './incoming-request.js';
import { MessageShape } from './message-shape.js';
import { Meta } from './request-meta.js';
import type { Caller } from './token-file.js';

/** A request's fields and, apart from them, who sent it and how he wants it handled. */
export interface Opened {
  readonly fields: object;
  readonly meta: Meta | undefined;
  readonly caller: Caller;
}

/** Turns what came over the wire into messages with their context. All methods throw {@link Refusal}. */
@Injectable()
export class Requests {
  private readonly metaShape = new MessageShape(Meta);

  constructor(
    @Inject(Authenticator) private readonly authenticator: Authenticator,
    @Inject(Ids) private readonly ids: Ids,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  command<M extends object>(shape: MessageShape<M>, payload: unknown, request: IncomingRequest): M {
    const { fields, meta, caller } = this.open(payload, request);
    const context = this.commandContext(caller, meta, request);
    request.correlationId = context.correlationId;
    return withContext(shape.parse(fields), context);
  }

  query<M extends object>(shape: MessageShape<M>, payload: unknown, request: IncomingRequest): M {
    const { fields, meta, caller } = this.open(payload, request);
    const context: QueryContext = {
      actor: caller.actor,
      apps: caller.apps,
      correlationId: meta?.correlationId ?? meta?.commandId ?? this.ids.next(),
      after: positionOf(meta),
      ...request.waiting,
    };
    request.correlationId = context.correlationId;
    return withContext(shape.parse(fields), context);
  }

  /** Who sends this, and whether he may. The fields are not looked at before. */
  open(payload: unknown, request: IncomingRequest): Opened {
    const fields = plainObject(payload ?? {}, 'The request');
    const meta = this.metaOf(fields);
    request.correlationId = meta?.correlationId ?? meta?.commandId;
    return { fields, meta, caller: this.authenticator.admit(meta, request.subject) };
  }

  metaOf(fields: object): Meta | undefined {
    const meta = Object.hasOwn(fields, 'meta') ? (fields as { meta?: unknown }).meta : undefined;
    return meta === undefined ? undefined : this.metaShape.parse(plainObject(meta, 'meta'));
  }

  /** May this caller send this command? For the commands inside a batch. */
  assertMaySend(caller: Caller, name: CommandName): void {
    const subject = commandSubject(name);
    if (!caller.maySend(subject)) throw this.authenticator.forbidden(caller, subject);
  }

  commandContext(
    { actor, apps }: Caller,
    meta: Meta | undefined,
    { transport, waiting }: IncomingRequest,
  ): CommandContext {
    const clientId = meta?.commandId ?? undefined;
    const commandId = clientCommandId(actor.id, clientId ?? this.ids.next());
    return {
      actor,
      apps,
      commandId,
      clientCommandId: clientId,
      correlationId: meta?.correlationId ?? commandId,
      causationId: meta?.causationId ?? commandId,
      after: positionOf(meta),
      transport,
      resent: meta?.retry === true,
      now: this.clock.now(),
      ...waiting,
    };
  }
}

/** @throws Refusal for anything but `{…}` as JSON.parse makes it */
export function plainObject(value: unknown, what: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Refusal('VALIDATION_FAILED', `${what} must be an object with fields.`);
}

/** Checked by the shape of meta. */
function positionOf(meta: Meta | undefined): Position | undefined {
  return (meta?.after ?? undefined) as Position | undefined;
}
