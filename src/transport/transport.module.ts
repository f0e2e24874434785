import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { ContextModule } from '../context/context.module.js';
import { Authenticator } from './authenticator.js';
import { Dispatcher } from './dispatcher.js';
import { ErrorsFilter } from './errors.filter.js';
import {
  adminController,
  commandController,
  type Messages,
  queryController,
} from './message-controllers.js';
import { NatsServer } from './nats/nats-server.js';
import { RequestGate } from './request-gate.js';
import { Requests } from './requests.js';
import { TcpServer } from './tcp/tcp-server.js';

/** TCP and NATS: who sends what, within which limits, and how he is answered. */
@Module({})
export class TransportModule {
  /** @param messages everything that is served */
  static serving(messages: Messages): DynamicModule {
    return {
      module: TransportModule,
      imports: [ContextModule, CqrsModule],
      controllers: [
        commandController(messages),
        queryController(messages),
        adminController(messages),
      ],
      providers: [
        Authenticator,
        Dispatcher,
        NatsServer,
        RequestGate,
        Requests,
        TcpServer,
        { provide: APP_FILTER, useClass: ErrorsFilter },
      ],
      exports: [RequestGate, Requests],
    };
  }
}
