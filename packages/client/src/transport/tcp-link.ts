import type { Socket } from 'node:net';
import { encodeFrame, FrameDecoder } from './frame.js';
import { PendingReplies } from './pending-replies.js';
import { type Reply, TransportFailure } from './transport.js';

/** A connected socket and the requests on it. Once broken it stays so; the dialer makes a new one. */
export class TcpLink {
  private readonly decoder = new FrameDecoder();
  private readonly pending = new PendingReplies((sentAt) => this.giveUpIfSilent(sentAt));
  private readonly gone: Promise<void>;
  private broken = false;
  private cause = 'the service closed the connection';
  private receivedAt = performance.now();

  constructor(
    private readonly socket: Socket,
    private readonly onLost: () => void,
  ) {
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (error) => (this.cause = error.message));
    this.gone = new Promise((resolve) => {
      socket.once('close', () => {
        this.lose();
        resolve();
      });
    });
    socket.once('end', () => this.lose());
  }

  request(subject: string, body: string, timeoutMs: number, signal?: AbortSignal): Promise<Reply> {
    if (this.broken) {
      return Promise.reject(new TransportFailure('connection_lost', false, this.cause));
    }
    return this.pending.add(timeoutMs, signal, (id) => {
      this.socket.write(encodeFrame(`{"id":"${id}","pattern":"${subject}","data":${body}}`));
    });
  }

  /** Sends what is written and closes; requests without a reply fail. */
  async close(): Promise<void> {
    this.pending.failAll('closed', 'The client was closed');
    this.socket.end();
    this.socket.destroySoon();
    await this.gone;
  }

  private receive(chunk: Buffer): void {
    this.receivedAt = performance.now();
    try {
      for (const frame of this.decoder.push(chunk)) {
        const { id, ...reply } = JSON.parse(frame) as Reply & { id: string };
        this.pending.settle(id, reply);
      }
    } catch (error) {
      this.cause = (error as Error).message;
      this.socket.destroy();
      this.lose();
    }
  }

  /**
   * A request ran out of time and not a byte has come since it left: the peer is gone without saying
   * so, or stuck. A new connection finds out sooner than TCP would.
   */
  private giveUpIfSilent(sentAt: number): void {
    if (this.receivedAt > sentAt) return;
    this.cause = 'the service was silent';
    this.socket.destroy();
  }

  private lose(): void {
    if (this.broken) return;
    this.broken = true;
    this.onLost();
    this.pending.failAll('connection_lost', `The connection broke: ${this.cause}`);
  }
}
