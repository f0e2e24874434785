import { Inject, Injectable, Logger } from '@nestjs/common';
import { Settings } from '../config/index.js';
import { type StoredTaskEvent, TASK_STREAM_PREFIX, toFeedEvent } from '../events/index.js';
import { type ProcessorHandler, Publishers, type PublisherSource } from '../processing/index.js';

/** One log line for each event, for those who develop against the service; without any payload. */
@Publishers()
@Injectable()
export class LogPublisher implements ProcessorHandler, PublisherSource {
  readonly name = 'log-line';
  readonly kind = 'publisher';
  readonly version = 1;
  readonly filter = { streamPrefix: TASK_STREAM_PREFIX };
  readonly beginsAt = 'now';
  readonly attempts = 1;
  private readonly logger = new Logger('Events');

  constructor(@Inject(Settings) private readonly settings: Pick<Settings, 'logEvents'>) {}

  publishers(): readonly ProcessorHandler[] {
    return this.settings.logEvents ? [this] : [];
  }

  async handle(stored: StoredTaskEvent): Promise<void> {
    const { event, taskType, taskId, status, actor } = toFeedEvent(stored);
    // Quoted: the actor's id comes from outside.
    const by = JSON.stringify(actor.id);
    this.logger.log(`${event} ${taskType} ${taskId} is ${status}, by ${by}`);
  }
}
