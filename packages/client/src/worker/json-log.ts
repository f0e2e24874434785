import type { TaskLog } from './running-task.js';

type Fields = Readonly<Record<string, unknown>>;

/** Lines of JSON, one a message, on stderr; those of `debug` are left out. */
export function jsonLog(
  write: (line: string) => void = (line) => void process.stderr.write(line),
): TaskLog {
  const line =
    (level: string) =>
    (message: string, fields: Fields = {}) =>
      write(`${textOf({ time: new Date().toISOString(), level, message, ...fields })}\n`);
  return { debug: () => undefined, info: line('info'), warn: line('warn'), error: line('error') };
}

/** The same log with these fields in each of its lines. */
export function logWith(log: TaskLog, own: Fields): TaskLog {
  return {
    debug: (message, fields) => log.debug(message, { ...own, ...fields }),
    info: (message, fields) => log.info(message, { ...own, ...fields }),
    warn: (message, fields) => log.warn(message, { ...own, ...fields }),
    error: (message, fields) => log.error(message, { ...own, ...fields }),
  };
}

/** A line that cannot be written as JSON says so: what is logged must end no task. */
function textOf(line: Fields): string {
  try {
    return JSON.stringify(line);
  } catch (error) {
    const { time, level, message } = line;
    return JSON.stringify({ time, level, message, fields: `not JSON: ${String(error)}` });
  }
}
