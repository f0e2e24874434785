import { Inject, Injectable } from '@nestjs/common';
import { EVENT_TYPE_OF_FEED, type TaskWebhook } from '@taskmanager/protocol';
import { Clock } from '../context/index.js';
import { type StoredTaskEvent, TASK_STREAM_PREFIX, toFeedEvent } from '../events/index.js';
import { type ProcessorHandler, Publishers, type PublisherSource } from '../processing/index.js';
import { Slots } from './slots.js';
import type { WebhookConnection } from './webhook-connection.js';
import { Webhooks } from './webhooks.js';

/** Deliveries to one endpoint at once, of different tasks. */
const AT_ONCE = 16;

/** Sends the events that one endpoint asks for, each as a signed request of its own. */
export class WebhookPublisher implements ProcessorHandler {
  readonly name: string;
  readonly kind = 'publisher';
  readonly version = 1;
  readonly filter: ProcessorHandler['filter'];
  readonly beginsAt = 'now';
  readonly attempts: number;
  private readonly slots = new Slots(AT_ONCE);
  private readonly taskTypes: ReadonlySet<string> | undefined;
  private readonly appNames: ReadonlySet<string> | undefined;

  constructor(
    private readonly connection: WebhookConnection,
    private readonly clock: Clock,
  ) {
    const { name, attempts, events, taskTypes, appNames } = connection.endpoint;
    this.name = `webhook:${name}`;
    this.attempts = attempts;
    const types = events?.flatMap((event) => EVENT_TYPE_OF_FEED.get(event) ?? []);
    this.filter = { streamPrefix: TASK_STREAM_PREFIX, ...(types && { types }) };
    this.taskTypes = taskTypes && new Set(taskTypes);
    this.appNames = appNames && new Set(appNames);
  }

  async handle(event: StoredTaskEvent, signal: AbortSignal): Promise<void> {
    if (!this.wants(event)) return;
    const body = JSON.stringify(webhookOf(event));
    // The time limit is the endpoint's: waiting for a turn does not count.
    await this.slots.run(
      () => this.connection.post({ id: event.id, body }, new Date(this.clock.now()), signal),
      signal,
    );
  }

  private wants({ metadata: { taskType, appName } }: StoredTaskEvent): boolean {
    return (this.taskTypes?.has(taskType) ?? true) && (this.appNames?.has(appName) ?? true);
  }
}

function webhookOf(event: StoredTaskEvent): TaskWebhook {
  const data = toFeedEvent(event);
  return { type: `task.${data.event}`, timestamp: new Date(data.at).toISOString(), data };
}

/** One publisher for each webhook that wants events; the others tell approvers only. */
@Publishers()
@Injectable()
export class WebhookPublishers implements PublisherSource {
  constructor(
    @Inject(Webhooks) private readonly webhooks: Webhooks,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  publishers(): readonly ProcessorHandler[] {
    return this.webhooks.connections
      .filter(({ endpoint: { events } }) => events === undefined || events.length > 0)
      .map((connection) => new WebhookPublisher(connection, this.clock));
  }
}
