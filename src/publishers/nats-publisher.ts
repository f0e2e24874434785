import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { eventSubject, type PublishedEvent } from '@taskmanager/protocol';
import { natsOptions, type NatsSettings, Settings } from '../config/index.js';
import { type StoredTaskEvent, TASK_STREAM_PREFIX, toFeedEvent } from '../events/index.js';
import {
  type ProcessorHandler,
  Publishers,
  type PublisherSource,
  TryLater,
} from '../processing/index.js';
import { BrokerLink } from './broker-link.js';

/**
 * Publishes every event on `tasks.event.<feed name>.<taskType>.<taskId>`. An event is handled once the
 * broker has confirmed, by answering a ping sent behind it, that it has it: a flush of its own for each,
 * so that nothing that was under way when a connection broke counts as published. A connection that is
 * lost is not mended by the client, which would keep in memory what is published meanwhile, but replaced
 * when the next event is tried again.
 */
@Publishers()
@Injectable()
export class NatsPublisher implements ProcessorHandler, PublisherSource, OnApplicationShutdown {
  readonly name = 'nats';
  readonly kind = 'publisher';
  readonly version = 1;
  readonly filter = { streamPrefix: TASK_STREAM_PREFIX };
  readonly beginsAt = 'now';
  readonly attempts = 8;
  private readonly logger = new Logger('NATS events');
  private readonly settings: NatsSettings | undefined;
  private link: Promise<BrokerLink> | undefined;
  private stopped = false;

  constructor(@Inject(Settings) { nats }: Pick<Settings, 'nats'>) {
    this.settings = nats;
  }

  publishers(): readonly ProcessorHandler[] {
    return this.settings?.events ? [this] : [];
  }

  /** @throws TryLater while the broker is away, or does not let this service publish */
  async handle(event: StoredTaskEvent): Promise<void> {
    const link = await this.connected();
    const feed = toFeedEvent(event);
    const subject = eventSubject(feed.event, feed.taskType, feed.taskId);
    await link.publish(subject, payloadOf(feed, link.maxPayload), event.id);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    const link = await this.link?.catch(() => undefined);
    await link?.close();
  }

  /** The one connection; whoever needs it first makes it, the others wait for that. */
  private connected(): Promise<BrokerLink> {
    if (this.stopped || !this.settings) throw new TryLater('the service stops');
    if (this.link) return this.link;
    const made = BrokerLink.to(natsOptions(this.settings));
    const forget = () => {
      if (this.link === made) this.link = undefined;
    };
    this.link = made;
    void made.then((link) => {
      this.logger.log(`publishing at ${link.server}`);
      return link.ended.then(forget);
    }, forget);
    return made;
  }
}

/** Without its data when the broker would not take it whole. */
function payloadOf(event: PublishedEvent, maxPayload: number): string {
  const whole = JSON.stringify(event);
  if (Buffer.byteLength(whole) <= maxPayload) return whole;
  return JSON.stringify({ ...event, data: {}, truncated: true } satisfies PublishedEvent);
}
