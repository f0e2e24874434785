import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { ServerTCP, type TcpOptions } from '@nestjs/microservices';
import { LIMITS } from '@taskmanager/protocol';
import { Settings, type TcpSettings } from '../../config/index.js';
import { Refusal } from '../../context/index.js';
import { Dispatcher } from '../dispatcher.js';
import { correlationIdOf, Exchange } from '../exchange.js';
import { replyText, unwritableReply } from '../reply-text.js';
import { RequestGate } from '../request-gate.js';
import { SharedMemory } from './shared-memory.js';
import { type ConnectionOptions, TcpConnection } from './tcp-connection.js';
import { parsePacket } from './tcp-packet.js';

const MIB = 1024 * 1024;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Connections are closed when nothing has come for so long, at the latest after the second. */
const QUIET_MS = 30;
const MAX_QUIET_MS = 300;
/** Full queues are told about once in a while, not for each caller. */
const WARN_EVERY_MS = 10_000;

/**
 * Nest's TCP microservice with what the stock one leaves open: bounded memory, time and numbers, one
 * error shape, and a stop that answers what is in flight before it hangs up.
 */
@Injectable()
export class TcpServer extends ServerTCP {
  private readonly connections = new Map<Socket, TcpConnection>();
  /** Sockets of every state, TLS handshakes among them. */
  private readonly sockets = new Set<Socket>();
  private readonly shared: ConnectionOptions;
  private frames = 0;
  private sweep: NodeJS.Timeout | undefined;
  private warnedAt = -Infinity;

  constructor(
    @Inject(Settings) { tcp }: Settings,
    @Inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @Inject(RequestGate) private readonly gate: RequestGate,
  ) {
    super(optionsOf(tcp));
    this.shared = {
      frameTimeoutMs: tcp.frameTimeoutMs,
      received: new SharedMemory(128 * MIB),
      unsent: new SharedMemory(256 * MIB),
    };
    this.server.maxConnections = tcp.maxConnections;
    this.server.on('connection', (socket: Socket) => this.track(socket));
    this.server.on('drop', () => this.warnFull(tcp.maxConnections));
    gate.onClosed(() => this.server.close());
  }

  /** Where it listens, once it does. */
  get address(): AddressInfo | undefined {
    const address = this.unwrap<Server>().address();
    return typeof address === 'object' && address !== null ? address : undefined;
  }

  override listen(callback: (error?: unknown) => void): void {
    // The stock server tells of two kinds of errors only and waits for ever on the others.
    this.server.once('error', callback);
    this.server.listen(this.port, this.host, () => {
      this.server.off('error', callback);
      const { frameTimeoutMs } = this.shared;
      this.sweep = setInterval(() => this.checkFrameTimes(), Math.min(1_000, frameTimeoutMs / 4));
      this.sweep.unref();
      callback();
    });
  }

  // Nest waits for it, though the stock server has nothing to wait for.
  // eslint-disable-next-line @typescript-eslint/no-misused-promises
  override async close(): Promise<void> {
    this.isManuallyTerminated = true;
    this.server.close();
    await this.gate.drained();
    await this.quiet();
    clearInterval(this.sweep);
    const closed = [...this.sockets].map(
      (socket) => new Promise((resolve) => socket.once('close', resolve)),
    );
    for (const connection of this.connections.values()) connection.end();
    for (const socket of this.sockets) if (!this.connections.has(socket)) socket.destroySoon();
    await Promise.all(closed);
  }

  override bindHandler(socket: Socket): void {
    const connection = new TcpConnection(socket, this.shared, (frame) =>
      this.handleFrame(connection, frame),
    );
    this.connections.set(socket, connection);
    socket.once('close', () => this.connections.delete(socket));
  }

  protected override handleError(error: unknown): void {
    this.logger.debug?.(String(error));
  }

  private handleFrame(connection: TcpConnection, frame: string): void {
    this.frames += 1;
    const packet = parsePacket(frame);
    if (!packet) {
      const why = 'A request is { id, pattern, data } with the message name as pattern, in JSON.';
      return connection.refuse(new Refusal('VALIDATION_FAILED', why));
    }
    const { id, subject, data } = packet;
    const exchange = new Exchange(
      subject,
      data,
      (reply) => {
        if (id === undefined) {
          this.logger.debug?.(`A request came without an id: its answer goes nowhere`);
          return;
        }
        try {
          connection.send(replyText(reply, id));
        } catch (error) {
          connection.send(replyText(unwritableReply(error, correlationIdOf(data), subject), id));
        }
      },
      connection,
    );
    if (frame.length > LIMITS.requestBytes / 4 && Buffer.byteLength(frame) > LIMITS.requestBytes) {
      return exchange.refuse(tooLarge());
    }
    this.dispatcher.dispatch(exchange, this.messageHandlers.get(subject), 'tcp');
  }

  /** What was on its way when the stop began is still told that nothing was done. */
  private async quiet(): Promise<void> {
    const until = performance.now() + MAX_QUIET_MS;
    for (let seen = -1; this.connections.size > 0 && seen !== this.frames;) {
      if (performance.now() > until) return;
      seen = this.frames;
      await delay(QUIET_MS);
    }
  }

  private track(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }

  private checkFrameTimes(): void {
    const now = performance.now();
    for (const connection of this.connections.values()) connection.checkFrameTime(now);
  }

  private warnFull(maxConnections: number): void {
    if (performance.now() - this.warnedAt < WARN_EVERY_MS) return;
    this.warnedAt = performance.now();
    this.logger.warn(`All ${maxConnections} TCP connections are taken: new ones are closed.`);
  }
}

function tooLarge(): Refusal {
  const limit = LIMITS.requestBytes;
  return new Refusal('PAYLOAD_TOO_LARGE', `A request has at most ${limit} bytes.`, {
    field: 'request',
    limit,
  });
}

function optionsOf({ host, port, tls }: TcpSettings): Required<TcpOptions>['options'] {
  if (!tls) return { host, port };
  const { requireClientCert, ...files } = tls;
  const tlsOptions = {
    ...files,
    requestCert: requireClientCert,
    rejectUnauthorized: requireClientCert,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  };
  return { host, port, tlsOptions };
}
