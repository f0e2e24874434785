import { type ArgumentsHost, Catch, type RpcExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { v7 } from 'uuid';
import { errorBody } from './error-body.js';
import { IncomingRequest } from './incoming-request.js';

/** Every error of every message handler becomes the one shape of DESIGN §4, as Nest's `err`. */
@Catch()
export class ErrorsFilter implements RpcExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): Observable<never> {
    const request: unknown = host.switchToRpc().getContext();
    const known = request instanceof IncomingRequest ? request : undefined;
    const body = errorBody(error, known?.correlationId ?? v7(), known?.subject ?? 'The request');
    return throwError(() => body);
  }
}
