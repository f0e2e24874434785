import { inspect } from 'node:util';
import { Logger } from '@nestjs/common';
import type { TaskLog } from '../worker/running-task.js';

/** A worker's log by the logger of the application. */
export function nestLog(): TaskLog {
  const logger = new Logger('TaskWorker');
  return {
    debug: (message, fields) => logger.debug(line(message, fields)),
    info: (message, fields) => logger.log(line(message, fields)),
    warn: (message, fields) => logger.warn(line(message, fields)),
    error: (message, fields) => logger.error(line(message, fields)),
  };
}

function line(message: string, fields?: Readonly<Record<string, unknown>>): string {
  return fields ? `${message} ${inspect(fields, { breakLength: Infinity })}` : message;
}
