import { Logger } from '@nestjs/common';
import type { ErrorBody, ErrorCode } from '@taskmanager/protocol';
import { Refusal } from '../context/index.js';

const logger = new Logger('Requests');

/** Errors of the ports below that say something to the caller, by their stable codes. */
const PORT_ERRORS: Readonly<Record<string, ErrorCode>> = {
  REVISION_CONFLICT: 'CONFLICT',
  LOG_UNAVAILABLE: 'UNAVAILABLE',
  LOG_OVERLOADED: 'OVERLOADED',
  FOREIGN_POSITION: 'VALIDATION_FAILED',
};

/**
 * What an error looks like on the wire. Whatever nobody expected is `INTERNAL`: the log has its stack,
 * the caller the correlation id to find it by.
 */
export function errorBody(error: unknown, correlationId: string, subject: string): ErrorBody {
  if (error instanceof Refusal) return bodyOf(error, correlationId);
  const code = portErrorOf(error);
  if (code !== undefined) {
    return { code, message: (error as Error).message, correlationId };
  }
  const stack = error instanceof Error ? describe(error) : String(error);
  // Quoted: it comes from outside, and may hold line ends and control characters.
  logger.error(`${subject} failed, correlationId ${JSON.stringify(correlationId)}`, stack);
  return {
    code: 'INTERNAL',
    message: `${subject} failed inside the service; its log says why under this correlationId.`,
    correlationId,
  };
}

/** The wire's form of a refusal. */
export function bodyOf({ code, message, details }: Refusal, correlationId: string): ErrorBody {
  return details === undefined
    ? { code, message, correlationId }
    : { code, message, details, correlationId };
}

function portErrorOf(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return Object.hasOwn(PORT_ERRORS, String(error.code))
    ? PORT_ERRORS[String(error.code)]
    : undefined;
}

function describe(error: Error): string {
  const cause = error.cause instanceof Error ? `\nCaused by: ${error.cause.stack}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
