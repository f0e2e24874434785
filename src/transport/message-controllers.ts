import { Controller, Inject, type Type } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import {
  adminSubject,
  commandSubject,
  querySubject,
  type AdminName,
  type CommandName,
  type QueryName,
} from '@taskmanager/protocol';
import { Batch } from '../commands/batch.command.js';
import { BatchRequests } from './batch-requests.js';
import { AdminJournal } from '../context/index.js';
import type { IncomingRequest } from './incoming-request.js';
import { type MessageClass, MessageShape } from './message-shape.js';
import { Requests } from './requests.js';

type Handler<C> = (this: C, payload: unknown, request: IncomingRequest) => Promise<unknown>;

/** An admin message that changes something. */
interface AdminMessageClass extends MessageClass<object, AdminName> {
  /**
   * False: it only looks, or what it does leaves an event by itself. Else it is written down before it
   * is done.
   */
  readonly journaled?: false;
}

/** Every message on the wire, by its class. */
export interface Messages {
  /** All commands but `batch`. */
  readonly commands: readonly MessageClass<object, CommandName>[];
  /** Those that may stand in a batch. */
  readonly batched: readonly MessageClass<object, CommandName>[];
  readonly queries: readonly MessageClass<object, QueryName>[];
  /** What operates the service: those that change something, and those that only look. */
  readonly admin: {
    readonly commands: readonly AdminMessageClass[];
    readonly queries: readonly MessageClass<object, AdminName>[];
  };
}

/** One controller for all commands: a class in the list is a message on the wire, with no line here. */
export function commandController({ commands, batched }: Messages): Type {
  @Controller()
  class CommandController {
    readonly batches: BatchRequests;

    constructor(
      @Inject(Requests) readonly requests: Requests,
      @Inject(CommandBus) readonly commandBus: CommandBus,
    ) {
      this.batches = new BatchRequests(requests, batched);
    }
  }

  const add = (name: CommandName, handler: Handler<CommandController>) =>
    serve(CommandController, name, commandSubject(name), handler);
  for (const type of commands) {
    const shape = new MessageShape(type);
    add(type.message, async function (payload, request) {
      return this.commandBus.execute(this.requests.command(shape, payload, request));
    });
  }
  add(Batch.message, async function (payload, request) {
    return this.commandBus.execute(this.batches.parse(payload, request));
  });
  return CommandController;
}

/** One controller for all queries. */
export function queryController({ queries }: Messages): Type {
  @Controller()
  class QueryController {
    constructor(
      @Inject(Requests) readonly requests: Requests,
      @Inject(QueryBus) readonly queryBus: QueryBus,
    ) {}
  }

  for (const type of queries) {
    const shape = new MessageShape(type);
    serve<QueryController>(
      QueryController,
      type.message,
      querySubject(type.message),
      async function (payload, request) {
        return this.queryBus.execute(this.requests.query(shape, payload, request));
      },
    );
  }
  return QueryController;
}

/** One controller for all admin messages; who may send them is decided by their subject. */
export function adminController({ admin }: Messages): Type {
  @Controller()
  class AdminController {
    constructor(
      @Inject(Requests) readonly requests: Requests,
      @Inject(CommandBus) readonly commandBus: CommandBus,
      @Inject(QueryBus) readonly queryBus: QueryBus,
      @Inject(AdminJournal) readonly journal: AdminJournal,
    ) {}
  }

  const add = (name: AdminName, handler: Handler<AdminController>) =>
    serve(AdminController, name, adminSubject(name), handler);
  for (const type of admin.commands) {
    const shape = new MessageShape(type);
    add(type.message, async function (payload, request) {
      const command = this.requests.command(shape, payload, request);
      if (type.journaled !== false) await this.journal.record(type.message, command);
      return this.commandBus.execute(command);
    });
  }
  for (const type of admin.queries) {
    const shape = new MessageShape(type);
    add(type.message, async function (payload, request) {
      return this.queryBus.execute(this.requests.query(shape, payload, request));
    });
  }
  return AdminController;
}

function serve<C extends object>(
  controller: Type<C>,
  name: string,
  subject: string,
  handler: Handler<C>,
): void {
  const method: PropertyDescriptor = {
    value: handler,
    writable: true,
    configurable: true,
    enumerable: false,
  };
  const prototype = controller.prototype as object;
  Object.defineProperty(prototype, name, method);
  Payload()(prototype, name, 0);
  Ctx()(prototype, name, 1);
  MessagePattern(subject)(prototype, name, method);
}
