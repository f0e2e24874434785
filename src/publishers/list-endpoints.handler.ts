import { Inject } from '@nestjs/common';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import type { EndpointList, WebhookInfo } from '@taskmanager/protocol';
import { Endpoints } from './endpoints.js';
import { ListEndpoints } from './list-endpoints.query.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';

@QueryHandler(ListEndpoints)
export class ListEndpointsHandler implements IQueryHandler<ListEndpoints, EndpointList> {
  constructor(@Inject(Endpoints) private readonly endpoints: Endpoints) {}

  async execute(): Promise<EndpointList> {
    const { webhooks, approvers } = this.endpoints;
    return { webhooks: webhooks.map(infoOf), approvers: Object.fromEntries(approvers) };
  }
}

function infoOf(endpoint: WebhookEndpoint): WebhookInfo {
  const { name, shownUrl, events, taskTypes, appNames } = endpoint;
  const { timeoutMs, attempts, allowPrivateRedirects } = endpoint;
  return {
    name,
    url: shownUrl,
    ...(events && { events }),
    ...(taskTypes && { taskTypes }),
    ...(appNames && { appNames }),
    timeoutMs,
    attempts,
    allowPrivateRedirects,
  };
}
