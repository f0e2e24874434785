import { Logger } from '@nestjs/common';
import type { Msg, NatsConnection } from '@nats-io/transport-node';

/** Replies that the broker has not confirmed to have; past it they are dropped, and told in the log. */
const MAX_UNCONFIRMED_BYTES = 64 * 1024 * 1024;
const CONFIRM_EVERY_BYTES = 1024 * 1024;

/**
 * Sends replies through the broker's connection, which keeps whatever it cannot send: without a bound a
 * broker that stands still would fill the memory of the service.
 */
export class ReplyBacklog {
  private readonly logger = new Logger('NATS');
  private unconfirmed = 0;
  private confirming = false;
  private dropped = 0;

  constructor(private readonly connection: NatsConnection) {}

  send(message: Msg, payload: Uint8Array): void {
    if (this.unconfirmed > MAX_UNCONFIRMED_BYTES) {
      if (this.dropped++ === 0) this.logger.error('The broker takes no replies: they are dropped.');
      return;
    }
    try {
      message.respond(payload);
    } catch (error) {
      this.logger.debug(
        `A reply on ${message.subject} cannot be sent: ${(error as Error).message}`,
      );
      return;
    }
    this.unconfirmed += payload.length;
    if (this.unconfirmed > CONFIRM_EVERY_BYTES && !this.confirming) void this.confirm();
  }

  /** The broker's answer to a ping says that it has read all that was sent before. */
  private async confirm(): Promise<void> {
    this.confirming = true;
    const sent = this.unconfirmed;
    try {
      await this.connection.flush();
    } catch {
      // The connection broke: what was under way is gone, what was not is sent on the next one.
    }
    this.unconfirmed -= sent;
    this.confirming = false;
    if (this.dropped > 0)
      this.logger.warn(`The broker takes replies again; ${this.dropped} were dropped.`);
    this.dropped = 0;
  }
}
