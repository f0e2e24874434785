import { Inject, Injectable } from '@nestjs/common';
import type { MessageHandler } from '@nestjs/microservices';
import type { ErrorBody } from '@taskmanager/protocol';
import { isObservable, lastValueFrom } from 'rxjs';
import { Refusal, type Waiting } from '../context/index.js';
import { errorBody } from './error-body.js';
import { correlationIdOf, type Exchange } from './exchange.js';
import { IncomingRequest } from './incoming-request.js';
import { RequestGate } from './request-gate.js';

const SHOWN_CHARS = 100;

/** Takes a request through the gate to its handler and its outcome back: the same for every transport. */
@Injectable()
export class Dispatcher {
  constructor(@Inject(RequestGate) private readonly gate: RequestGate) {}

  /** Never throws: whatever happens, the exchange is answered. */
  dispatch(
    exchange: Exchange,
    handler: MessageHandler | undefined,
    transport: IncomingRequest['transport'],
  ): void {
    if (!handler) return exchange.refuse(unknownMessage(exchange.subject));
    const refusal = this.gate.enter(exchange);
    if (refusal) return exchange.refuse(refusal);
    const waiting: Waiting = {
      gone: exchange.connection?.gone,
      whileWaiting: (wait) => this.gate.whileWaiting(exchange, wait),
    };
    void this.run(exchange, handler, new IncomingRequest(transport, exchange.subject, waiting));
  }

  private async run(
    exchange: Exchange,
    handler: MessageHandler,
    request: IncomingRequest,
  ): Promise<void> {
    try {
      const result: unknown = await handler(exchange.data, request);
      const response: unknown = isObservable(result)
        ? await lastValueFrom(result, { defaultValue: undefined })
        : result;
      exchange.answer({ response });
    } catch (error) {
      const err = isErrorBody(error)
        ? error
        : errorBody(
            error,
            request.correlationId ?? correlationIdOf(exchange.data),
            request.subject,
          );
      exchange.answer({ err });
    } finally {
      this.gate.leave(exchange);
    }
  }
}

/** The errors filter has made it already. */
function isErrorBody(error: unknown): error is ErrorBody {
  return (
    typeof error === 'object' && !(error instanceof Error) && error !== null && 'code' in error
  );
}

function unknownMessage(subject: string): Refusal {
  const shown = subject.slice(0, SHOWN_CHARS);
  return new Refusal('VALIDATION_FAILED', `There is no message "${shown}".`, { subject: shown });
}
