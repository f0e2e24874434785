import { BaseRpcContext } from '@nestjs/microservices';
import type { Transport, Waiting } from '../context/index.js';

/**
 * What handlers and filters know about a request beside its payload: Nest's context object, the same
 * for every transport.
 */
export class IncomingRequest extends BaseRpcContext<[]> {
  /** Set as soon as it is known, so that an error says it too. */
  correlationId: string | undefined;

  constructor(
    readonly transport: Transport,
    readonly subject: string,
    readonly waiting: Waiting = {},
  ) {
    super([]);
  }
}
