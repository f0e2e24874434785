import { Inject, Injectable, Logger } from '@nestjs/common';
import { ServerNats } from '@nestjs/microservices';
import { connect, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { LIMITS } from '@taskmanager/protocol';
import { setTimeout as delay } from 'node:timers/promises';
import { natsOptions, Settings } from '../../config/index.js';
import { Refusal } from '../../context/index.js';
import { Dispatcher } from '../dispatcher.js';
import { Exchange } from '../exchange.js';
import { ADMIN_PREFIX } from '../permissions.js';
import { RequestGate } from '../request-gate.js';
import { parsePacket } from './nats-packet.js';
import { ReplyBacklog } from './reply-backlog.js';
import { replyPayload } from './reply-payload.js';

const RETRY_MS = 1_000;
const FLUSH_MS = 2_000;
const SHOWN_CHARS = 100;
/** What begins so is for this service to read, or for it to publish. */
const OURS = 'tasks.';
/** Every subject below these is answered, known or not. */
const SIDES = ['tasks.command.', 'tasks.query.', ADMIN_PREFIX];

/**
 * Nest's NATS microservice with what the stock one leaves open: it waits for the broker and comes back
 * to it for ever, answers whatever has a reply subject, and stops without losing an answer.
 */
@Injectable()
export class NatsServer extends ServerNats {
  protected override readonly logger = new Logger('NATS');
  private readonly settings: Settings['nats'];
  private readonly authenticated: boolean;
  private readonly stop = new AbortController();
  private subscriptionsOpen: Subscription[] = [];
  private connection: NatsConnection | undefined;
  private dropped = 0;

  constructor(
    @Inject(Settings) { nats, authFile }: Settings,
    @Inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @Inject(RequestGate) private readonly gate: RequestGate,
  ) {
    super({});
    this.settings = nats;
    this.authenticated = authFile !== undefined;
    gate.onClosed(() => this.unsubscribe());
  }

  get connected(): boolean {
    return this.connection !== undefined && !this.connection.isClosed();
  }

  /**
   * Calls back when it serves, or has been stopped; until the broker is there it goes on trying. Nest
   * looks at what it is called back with, not at a promise.
   */
  override listen(callback: (error?: unknown) => void): Promise<void> {
    return this.serve().then(() => callback(), callback);
  }

  private async serve(): Promise<void> {
    const connection = await this.connectWhenThere();
    if (!connection) return;
    this.connection = connection;
    this.subscribe(connection);
    await connection.flush().catch(() => undefined);
    this.watch(connection).catch((error: unknown) => this.logger.error(error));
    this.logger.log(`serving at ${connection.getServer()}`);
  }

  override async close(): Promise<void> {
    this.stop.abort();
    this.unsubscribe();
    await this.gate.drained();
    const { connection } = this;
    if (!connection) return;
    // The first answer says that no more requests come, the second that all replies have arrived.
    const flushed = connection.flush().then(() => connection.flush());
    await Promise.race([
      flushed.catch(() => undefined),
      delay(FLUSH_MS, undefined, { ref: false }),
    ]);
    await connection.close();
  }

  override unwrap<T = NatsConnection>(): T {
    if (!this.connection) throw new Error('NATS is not connected yet.');
    return this.connection as T;
  }

  private async connectWhenThere(): Promise<NatsConnection | undefined> {
    const { settings, stop } = this;
    if (!settings) throw new Error('NATS is not set up: NATS_URL is missing.');
    for (let told = ''; !stop.signal.aborted;) {
      try {
        const connection = await connect(natsOptions(settings));
        if (!stop.signal.aborted) return connection;
        await connection.close();
      } catch (error) {
        const reason = (error as Error).message;
        if (reason !== told)
          this.logger.warn(`waiting for the broker at ${settings.servers.join(', ')}: ${reason}`);
        told = reason;
        await delay(RETRY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  private subscribe(connection: NatsConnection): void {
    const backlog = new ReplyBacklog(connection);
    const others = [...this.messageHandlers.keys()].filter(
      (subject) => !SIDES.some((side) => subject.startsWith(side)),
    );
    this.subscriptionsOpen = [...SIDES.map((side) => `${side}>`), ...others].map((subject) =>
      connection.subscribe(subject, {
        queue: this.settings?.queue,
        callback: (error, message) => {
          if (error) this.logger.error(`${subject}: ${error.message}`);
          else this.handle(message, connection, backlog);
        },
      }),
    );
  }

  /** Draining, not dropping: what the broker has handed over already is still answered. */
  private unsubscribe(): void {
    for (const subscription of this.subscriptionsOpen)
      void subscription.drain().catch(() => undefined);
    this.subscriptionsOpen = [];
  }

  private handle(message: Msg, connection: NatsConnection, backlog: ReplyBacklog): void {
    const { subject, reply } = message;
    if (reply?.startsWith(OURS)) return this.drop(reply);
    const packet =
      message.data.length > LIMITS.requestBytes
        ? undefined
        : parsePacket(message.data, message.subject);
    const { id, data } = packet ?? {};
    const exchange = new Exchange(subject, data, (answer) => {
      if (!reply) {
        return this.logger.debug(
          `${subject} came without a reply subject: its answer goes nowhere`,
        );
      }
      backlog.send(message, replyPayload(answer, id, exchange, connection.info?.max_payload));
    });
    if (!packet) return exchange.refuse(unreadable(message.data.length));
    if (subject.startsWith(ADMIN_PREFIX) && !this.authenticated) return exchange.refuse(NO_ADMIN);
    this.dispatcher.dispatch(exchange, this.messageHandlers.get(subject), 'nats');
  }

  /** Its answer would come to this service, or its replicas, as a message from one that may send everything. */
  private drop(reply: string): void {
    this.dropped += 1;
    if (this.dropped > 1) return;
    // Quoted: it comes from outside.
    const shown = JSON.stringify(reply.slice(0, SHOWN_CHARS));
    this.logger.warn(
      `A request wants its answer at ${shown}: those whose reply subject begins with ${OURS} are dropped, from now on without a word`,
    );
  }

  private async watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') this.logger.warn('lost the broker; trying to come back');
      else if (status.type === 'reconnect')
        this.logger.log(`serving again at ${connection.getServer()}`);
      else if (status.type === 'error') this.logger.error(status.error.message);
    }
    if (this.stop.signal.aborted) return;
    this.logger.error('the connection to the broker ended for good; a new one is made');
    await this.serve();
  }
}

const NO_ADMIN = new Refusal(
  'FORBIDDEN',
  'tasks.admin.* is not served over NATS by a service without AUTH_FILE: nobody could tell who asks.',
);

function unreadable(bytes: number): Refusal {
  const limit = LIMITS.requestBytes;
  if (bytes <= limit) return new Refusal('VALIDATION_FAILED', 'A request is a JSON object.');
  return new Refusal('PAYLOAD_TOO_LARGE', `A request has at most ${limit} bytes.`, {
    field: 'request',
    limit,
  });
}
