import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Endpoints } from './endpoints.js';
import { WebhookConnection } from './webhook-connection.js';

/** The connections to all endpoints, for events and for approvers' notices alike. */
@Injectable()
export class Webhooks implements OnApplicationShutdown {
  readonly connections: readonly WebhookConnection[];

  constructor(@Inject(Endpoints) { webhooks }: Endpoints) {
    this.connections = webhooks.map((endpoint) => new WebhookConnection(endpoint));
  }

  /** After those who send have stopped. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.connections.map((connection) => connection.close()));
  }
}
