import { type ServerDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { type FaultStatus } from '../fault-settings.js';
import { type streams } from '../generated.js';
import { type OpenCall } from '../open-calls.js';
import { fromFault } from './errors.js';
import { type Node } from './node.js';

/** The answering side of one call of BatchAppend, which carries many appends. */
export class BatchCall implements OpenCall {
  private readonly counted: () => void;
  private inFlight = 0;
  private onAnswered: (() => void) | undefined;
  private over = false;

  constructor(
    private readonly node: Node,
    private readonly call: ServerDuplexStream<streams.BatchAppendReq, streams.BatchAppendResp>,
  ) {
    this.counted = node.calls.begin('batchAppend');
    node.openCalls.batchAppends.add(this);
    call.on('cancelled', () => this.close());
  }

  /** Answers an append when it is done; nothing, if there is nothing to say. */
  async answer(append: Promise<streams.BatchAppendResp | undefined>): Promise<void> {
    this.inFlight += 1;
    try {
      const response = await append;
      if (response && !this.over) this.call.write(response);
    } catch (error) {
      this.failWith(error as ServiceError);
    } finally {
      this.inFlight -= 1;
      if (this.inFlight === 0) this.onAnswered?.();
    }
  }

  /** The client sends no more appends. */
  clientEnded(): void {
    this.whenAnswered(() => {
      if (this.close()) this.call.end();
    });
  }

  /** Server: a node that shuts down answers what it has taken on, and then is not there. */
  end(): void {
    this.whenAnswered(() => this.fail({ status: 'UNAVAILABLE', details: 'Shutting down' }));
  }

  fail(fault: FaultStatus): void {
    this.failWith(fromFault(fault));
  }

  failWith(error: ServiceError): void {
    if (this.close()) this.call.emit('error', error);
  }

  private whenAnswered(act: () => void): void {
    this.onAnswered = act;
    if (this.inFlight === 0) act();
  }

  private close(): boolean {
    if (this.over) return false;
    this.over = true;
    this.node.openCalls.batchAppends.delete(this);
    this.counted();
    return true;
  }
}
