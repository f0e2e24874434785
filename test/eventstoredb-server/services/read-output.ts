import { type ServerWritableStream, type ServiceError } from '@grpc/grpc-js';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultStatus, type ReadFault } from '../fault-settings.js';
import { type streams } from '../generated.js';
import { type OpenCall } from '../open-calls.js';
import { type RecordedEvent } from '../store/recorded-event.js';
import { fromFault } from './errors.js';
import { eventMessage } from './read-messages.js';

/** Thrown out of a read that the client or a fault ended; nobody needs to know. */
export class ReadOver extends Error {}

/** The answering side of a read: waits for the socket, and obeys the fault that the read met. */
export class ReadOutput implements OpenCall {
  private readonly closed = new AbortController();
  private sentEvents = 0;

  constructor(
    private readonly call: ServerWritableStream<streams.ReadReq, Buffer>,
    private readonly structuredIds: boolean,
    private readonly fault: ReadFault | undefined,
    private readonly onClose: () => void,
  ) {
    call.on('cancelled', () => this.close());
  }

  /** Fires when the read is over, whoever ended it. */
  get signal(): AbortSignal {
    return this.closed.signal;
  }

  /** What the fault does before anything is answered. */
  async begin(): Promise<void> {
    if (this.fault?.kind === 'delay') await this.pause(this.fault.milliseconds);
    if (this.fault?.kind === 'drop') await this.forever();
    this.failIfDue();
  }

  async sendEvent(event: RecordedEvent): Promise<void> {
    if (this.fault?.kind === 'slow') await this.pause(this.fault.milliseconds);
    await this.send(eventMessage(event, this.structuredIds));
    this.sentEvents += 1;
    this.failIfDue();
  }

  /** Resolves when the socket takes more: a slow client holds the read back, nothing piles up here. */
  async send(message: Buffer): Promise<void> {
    if (this.signal.aborted) throw new ReadOver();
    if (this.call.write(message)) return;
    await once(this.call, 'drain', { signal: this.signal }).catch(() => {
      throw new ReadOver();
    });
  }

  end(): void {
    if (this.close()) this.call.end();
  }

  fail(fault: FaultStatus): void {
    this.failWith(fromFault(fault));
  }

  failWith(error: ServiceError): void {
    if (this.close()) this.call.emit('error', error);
  }

  private failIfDue(): void {
    if (this.fault?.kind !== 'fail' || this.sentEvents < (this.fault.events ?? 0)) return;
    this.fail(this.fault);
    throw new ReadOver();
  }

  private async pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { ref: false, signal: this.signal }).catch(() => {
      throw new ReadOver();
    });
  }

  private async forever(): Promise<never> {
    await once(this.signal, 'abort');
    throw new ReadOver();
  }

  private close(): boolean {
    if (this.signal.aborted) return false;
    this.closed.abort();
    this.onClose();
    return true;
  }
}
