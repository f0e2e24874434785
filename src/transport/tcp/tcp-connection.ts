import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { LIMITS } from '@taskmanager/protocol';
import { v7 } from 'uuid';
import { Refusal } from '../../context/index.js';
import { bodyOf } from '../error-body.js';
import type { CallerConnection } from '../exchange.js';
import type { MemoryShare, SharedMemory } from './shared-memory.js';
import { FrameReader, MalformedFrame } from './frame-reader.js';

/** Read so far that a request just past the limit can be told so by its id; more is cut off. */
const MAX_FRAME_CHARS = 2 * LIMITS.requestBytes;
/** A caller that does not read is not read from while so much waits for him. */
const PAUSE_AT_BYTES = 1024 * 1024;
/** What was in flight may still come on top of it; a connection past this is cut. */
const MAX_UNSENT_BYTES = 64 * 1024 * 1024;
const KEEP_ALIVE_MS = 30_000;
/** How long a caller has to read what was written before it is hung up on. */
const LINGER_MS = 2_000;

/** What all connections share. */
export interface ConnectionOptions {
  readonly frameTimeoutMs: number;
  /** For requests that are not complete. */
  readonly received: SharedMemory;
  /** For replies that are not sent. */
  readonly unsent: SharedMemory;
}

/** One caller's socket: frames in, replies out, within limits of time and memory. */
export class TcpConnection implements CallerConnection {
  inFlight = 0;
  private readonly logger = new Logger('TCP');
  private readonly reader = new FrameReader(MAX_FRAME_CHARS);
  private outgoing = '';
  private readonly received: MemoryShare;
  private readonly unsent: MemoryShare;
  private heldSince: number | undefined;
  private readonly ending = new AbortController();

  /** @param onFrame gets the text of each frame */
  constructor(
    readonly socket: Socket,
    private readonly options: ConnectionOptions,
    private readonly onFrame: (frame: string) => void,
  ) {
    this.received = options.received.share();
    this.unsent = options.unsent.share();
    // As many listen as claims and feeds of this caller wait; Node warns of more than ten.
    setMaxListeners(0, this.ending.signal);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('drain', () => this.readOn());
    socket.on('error', (error) => this.logger.debug(`${this.peer}: ${error.message}`));
    socket.on('close', () => this.leave());
  }

  get gone(): AbortSignal {
    return this.ending.signal;
  }

  /** Replies of one turn of the event loop leave in one write. */
  send(text: string): void {
    if (this.ended) return;
    if (this.outgoing === '') process.nextTick(() => this.flush());
    this.outgoing += `${text.length}#${text}`;
  }

  /** Says what is wrong, as far as it is possible without an id, and hangs up. */
  refuse(refusal: Refusal): void {
    if (this.ended) return;
    this.logger.debug(`${this.peer} is cut off: ${refusal.message}`);
    this.send(`{"err":${JSON.stringify(bodyOf(refusal, v7()))},"isDisposed":true}`);
    this.end();
  }

  /** Sends what is written, then hangs up; a caller that does not read is cut off. */
  end(): void {
    if (this.ended) return;
    this.flush();
    this.leave();
    this.socket.end();
    // Whoever goes on sending is not listened to, and must not keep the socket half open.
    this.socket.resume();
    const timer = setTimeout(() => this.socket.destroy(), LINGER_MS).unref();
    this.socket.once('close', () => clearTimeout(timer));
  }

  /** Called now and then: a frame has so long from its first byte on, however slowly it trickles. */
  checkFrameTime(now: number): void {
    const { frameTimeoutMs } = this.options;
    if (this.heldSince === undefined || now - this.heldSince < frameTimeoutMs) return;
    this.refuse(
      new Refusal('VALIDATION_FAILED', `A request was not complete after ${frameTimeoutMs} ms.`),
    );
  }

  private receive(chunk: Buffer): void {
    if (this.ended) return;
    try {
      for (const frame of this.reader.read(chunk)) {
        this.heldSince = undefined;
        this.onFrame(frame);
        if (this.ended) return;
      }
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.refuse(new Refusal('VALIDATION_FAILED', error.message));
      return;
    }
    const { held } = this.reader;
    if (held > 0) this.heldSince ??= performance.now();
    if (!this.received.holds(held)) {
      this.refuse(new Refusal('OVERLOADED', 'Too much is held of requests that are not complete.'));
    }
  }

  private flush(): void {
    if (this.outgoing === '' || !this.socket.writable) return;
    this.socket.write(this.outgoing, 'utf8');
    this.outgoing = '';
    const bytes = this.socket.writableLength;
    if (this.unsent.holds(bytes) && bytes <= MAX_UNSENT_BYTES) {
      if (bytes > PAUSE_AT_BYTES) this.socket.pause();
    } else {
      this.logger.warn(
        `${this.peer} does not read its replies: cut off with ${bytes} bytes unsent`,
      );
      this.socket.destroy();
    }
  }

  private readOn(): void {
    this.unsent.holds(0);
    if (!this.ended) this.socket.resume();
  }

  private get ended(): boolean {
    return this.gone.aborted;
  }

  private leave(): void {
    this.ending.abort();
    this.heldSince = undefined;
    this.received.holds(0);
    this.unsent.holds(0);
  }

  private get peer(): string {
    return `${this.socket.remoteAddress}:${this.socket.remotePort}`;
  }
}
