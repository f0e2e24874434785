import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Endpoints } from './endpoints.js';
import type { WebhookConnection } from './webhook-connection.js';

/** The connections to all endpoints, for events and for approvers' notices alike. */
@Injectable()
export class Webhooks implements OnApplicationShutdown {
  private constructor(readonly connections: readonly WebhookConnection[]) {}

  static async to({ webhooks }: Pick<Endpoints, 'webhooks'>): Promise<Webhooks> {
    if (webhooks.length === 0) return new Webhooks([]);
    // Its HTTP client takes ten megabytes that a service without webhooks has no use for.
    const connection = await import('./webhook-connection.js');
    return new Webhooks(webhooks.map((endpoint) => new connection.WebhookConnection(endpoint)));
  }

  /** After those who send have stopped. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.connections.map((connection) => connection.close()));
  }
}
