import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { Dialer } from './dialer.js';
import { TcpLink } from './tcp-link.js';
import type { Reply, Transport } from './transport.js';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 10_000;

export interface TcpTarget {
  readonly host: string;
  readonly port: number;
  readonly tls?: ConnectionOptions;
}

/** One socket to a Nest TCP microservice, shared by all calls, dialled again when it broke. */
export class TcpTransport implements Transport {
  private readonly dialer: Dialer<TcpLink>;
  private connecting: Socket | undefined;

  constructor(private readonly target: TcpTarget) {
    const name = `${target.tls ? 'tls' : 'tcp'}://${target.host}:${target.port}`;
    this.dialer = new Dialer(async (lost) => new TcpLink(await this.connect(), lost), name);
  }

  get trouble(): string | undefined {
    return this.dialer.trouble;
  }

  async open(timeoutMs: number): Promise<void> {
    await this.dialer.get(timeoutMs);
  }

  request(subject: string, body: string, timeoutMs: number, signal?: AbortSignal): Promise<Reply> {
    const link = this.dialer.current;
    if (!link) return Promise.reject(this.dialer.notConnected());
    return link.request(subject, body, timeoutMs, signal);
  }

  async close(): Promise<void> {
    const closed = this.dialer.close();
    this.connecting?.destroy();
    await closed;
  }

  private connect(): Promise<Socket> {
    const { host, port, tls } = this.target;
    return new Promise((resolve, reject) => {
      const socket = tls ? connectTls({ ...tls, host, port }) : connectPlain({ host, port });
      const fail = (error: Error) => {
        socket.destroy();
        reject(error);
      };
      this.connecting = socket;
      socket.setNoDelay(true);
      socket.setTimeout(CONNECT_TIMEOUT_MS, () => fail(new Error('connecting took too long')));
      const closed = () => reject(new Error('it was closed'));
      socket.once('error', fail).once('close', closed);
      socket.once(tls ? 'secureConnect' : 'connect', () => {
        this.connecting = undefined;
        socket.off('error', fail).off('close', closed);
        socket.setTimeout(0);
        socket.setKeepAlive(true, KEEP_ALIVE_MS);
        resolve(socket);
      });
    });
  }
}
