import { setImmediate } from 'node:timers/promises';
import {
  connect,
  headers,
  type NatsConnection,
  type NodeConnectionOptions,
  PermissionViolationError,
} from '@nats-io/transport-node';
import { TryLater } from '../processing/index.js';

const FLUSH_MS = 5_000;
/** What the header with the message's id takes of the payload that a broker allows, and some. */
const HEADER_BYTES = 256;
const BROKEN = 'the connection to the broker broke';

/** One connection to the broker, from its making to its first fault. */
export class BrokerLink {
  /** Ends the wait of each message that the broker has not confirmed yet. */
  private readonly unconfirmed = new Set<() => void>();
  /** Subjects that the broker refused, until those who published there have seen it. */
  private readonly refused = new Set<string>();
  private end: () => void = () => undefined;
  /** Resolves at the first fault: nothing is published here any more. */
  readonly ended = new Promise<void>((resolve) => (this.end = resolve));

  private constructor(private readonly connection: NatsConnection) {
    void connection.closed().then(() => this.giveUp());
    void this.watch();
  }

  /** @throws TryLater when no broker answers */
  static async to(options: NodeConnectionOptions): Promise<BrokerLink> {
    const connection = await connect({ ...options, reconnect: false }).catch((error: unknown) => {
      throw new TryLater(`the broker cannot be reached: ${(error as Error).message}`);
    });
    return new BrokerLink(connection);
  }

  get server(): string {
    return this.connection.getServer();
  }

  /** Bytes. */
  get maxPayload(): number {
    return (this.connection.info?.max_payload ?? Number.POSITIVE_INFINITY) - HEADER_BYTES;
  }

  /**
   * Resolves when the broker has the message. A JetStream stream drops what comes again with the same id.
   * @throws TryLater when that is not known, or the broker refuses the subject
   */
  async publish(subject: string, payload: string, id: string): Promise<void> {
    if (this.connection.isClosed()) throw new TryLater(BROKEN);
    const own = headers();
    own.set('Nats-Msg-Id', id);
    this.connection.publish(subject, payload, { headers: own });
    await this.confirmed();
    // A refusal comes before the answer to the ping, but is read one turn later.
    await setImmediate();
    if (this.refused.delete(subject)) {
      throw new TryLater(`the broker does not let this service publish on ${subject}`);
    }
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  /** The client's own flush never settles when the connection ends, and has no time limit. */
  private confirmed(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(limit);
        this.unconfirmed.delete(lost);
        finish();
      };
      const lost = () => settle(() => reject(new TryLater(BROKEN)));
      const limit = setTimeout(() => {
        this.giveUp();
        void this.close();
      }, FLUSH_MS);
      this.unconfirmed.add(lost);
      this.connection.flush().then(() => settle(resolve), lost);
    });
  }

  private giveUp(): void {
    this.end();
    for (const lost of [...this.unconfirmed]) lost();
  }

  /** Ends with the connection. */
  private async watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type !== 'error') continue;
      const { error } = status;
      if (error instanceof PermissionViolationError && error.operation === 'publish') {
        this.refused.add(error.subject);
      }
    }
  }
}
