import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '../config/index.js';
import { readEndpoints } from './endpoints-file.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';

/** Where what happens is told besides the feed, as the file of ENDPOINTS_FILE says; nowhere without one. */
@Injectable()
export class Endpoints {
  readonly webhooks: readonly WebhookEndpoint[];
  /** Names of the endpoints that tell an approver, by actor id or `role:<name>`. */
  readonly approvers: ReadonlyMap<string, readonly string[]>;

  /** @throws EndpointsFileError naming file, endpoint and field */
  constructor(@Inject(Settings) { endpointsFile }: Pick<Settings, 'endpointsFile'>) {
    const { webhooks, approvers } =
      endpointsFile === undefined
        ? { webhooks: [], approvers: new Map<string, never>() }
        : readEndpoints(endpointsFile);
    this.webhooks = webhooks;
    this.approvers = approvers;
  }
}
