import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { ApproverNotices } from '../commands/approver-notices.port.js';
import { ContextModule } from '../context/context.module.js';
import { EndpointNotices } from './endpoint-notices.js';
import { Endpoints } from './endpoints.js';
import { ListEndpointsHandler } from './list-endpoints.handler.js';
import { LogPublisher } from './log-publisher.js';
import { NatsPublisher } from './nats-publisher.js';
import { WebhookPublishers } from './webhook-publisher.js';
import { Webhooks } from './webhooks.js';

/** Tells others what happens: NATS subjects, webhooks, a log line; and approvers that a task waits for them. */
@Module({
  imports: [CqrsModule, ContextModule],
  providers: [
    Endpoints,
    {
      provide: Webhooks,
      useFactory: (endpoints: Endpoints) => Webhooks.to(endpoints),
      inject: [Endpoints],
    },
    WebhookPublishers,
    NatsPublisher,
    LogPublisher,
    ListEndpointsHandler,
    EndpointNotices,
    { provide: ApproverNotices, useExisting: EndpointNotices },
  ],
  exports: [ApproverNotices],
})
export class PublishersModule {}
