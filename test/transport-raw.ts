import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { ErrorBody } from '@taskmanager/protocol';

/** What comes back for a request: Nest's packet. */
export interface RawReply {
  readonly id?: string | number;
  readonly response?: unknown;
  readonly err?: ErrorBody;
  readonly isDisposed?: boolean;
}

/** The subjects of messages, as they stand on the wire. */
export const command = (name: string) => `tasks.command.${name}`;
export const query = (name: string) => `tasks.query.${name}`;
export const admin = (name: string) => `tasks.admin.${name}`;

/** What a batch answers of one of its commands. */
export interface BatchResult {
  readonly ok?: { readonly context?: unknown };
  readonly error?: ErrorBody;
}

/** `<length>#<json>`, the length in characters, as Nest's TCP clients write it. */
export function frame(packet: unknown): string {
  const text = typeof packet === 'string' ? packet : JSON.stringify(packet);
  return `${text.length}#${text}`;
}

/** A socket that sends whatever a test wants to and reads frames; written apart from src/ and the client. */
export class RawTcp {
  readonly replies: RawReply[] = [];
  /** Resolves when the connection is closed, by whomever. */
  readonly closed: Promise<void>;
  private readonly waiting = new Set<() => void>();
  private text = '';
  private lastId = 0;
  private isClosed = false;

  private constructor(readonly socket: Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.receive(text));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true;
        for (const look of this.waiting) look();
        resolve();
      });
    });
  }

  static async connect(port: number, tls?: ConnectionOptions): Promise<RawTcp> {
    const target = { host: '127.0.0.1', port };
    const socket = tls ? connectTls({ ...tls, ...target }) : connect(target);
    await once(socket, tls ? 'secureConnect' : 'connect');
    return new RawTcp(socket);
  }

  write(bytes: string | Buffer): void {
    if (!this.isClosed) this.socket.write(bytes);
  }

  /** Sends a request and resolves with its reply; rejects when the connection closes before. */
  async request(pattern: string, data: unknown): Promise<RawReply> {
    const id = `r${++this.lastId}`;
    this.write(frame({ id, pattern, data }));
    return this.replyTo(id);
  }

  async replyTo(id: string | number | undefined): Promise<RawReply> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const reply = this.replies.find((each) => each.id === id);
        if (!reply && !this.isClosed) return;
        this.waiting.delete(look);
        if (reply) resolve(reply);
        else reject(new Error(`closed before the reply to ${id}`));
      };
      this.waiting.add(look);
      look();
    });
  }

  async ok<T = unknown>(pattern: string, data: unknown): Promise<T> {
    const { err, response } = await this.request(pattern, data);
    if (err) throw new Error(`${pattern}: ${JSON.stringify(err)}`);
    return response as T;
  }

  async refused(pattern: string, data: unknown): Promise<ErrorBody> {
    const reply = await this.request(pattern, data);
    if (!reply.err) throw new Error(`${pattern} was not refused: ${JSON.stringify(reply)}`);
    return reply.err;
  }

  async end(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  private receive(text: string): void {
    this.text += text;
    for (;;) {
      const hash = this.text.indexOf('#');
      const length = Number(this.text.slice(0, hash));
      if (hash === -1 || this.text.length < hash + 1 + length) break;
      this.replies.push(JSON.parse(this.text.slice(hash + 1, hash + 1 + length)) as RawReply);
      this.text = this.text.slice(hash + 1 + length);
    }
    for (const look of [...this.waiting]) look();
  }
}
