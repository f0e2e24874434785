import { resolve } from 'node:path';

/** A log as the command line names it. */
export type LogName =
  | {
      readonly kind: 'sqlite';
      /** Absolute path of the folder or of the file in it. */
      readonly path: string;
    }
  | {
      readonly kind: 'eventstoredb';
      /** Connection string; undefined: what the environment's settings say. It may hold a password. */
      readonly url: string | undefined;
    };

export const LOG_NAME_FORMS =
  'sqlite:<folder or file.db>, eventstoredb: (set up by EVENTSTOREDB_…), or esdb://…';

/** Nobody can tell which log is meant. */
export class UnknownLogName extends Error {
  override readonly name = 'UnknownLogName';

  constructor(text: string) {
    super(`"${withoutLogin(text)}" names no event log; allowed: ${LOG_NAME_FORMS}`);
  }
}

/** @throws UnknownLogName */
export function parseLogName(text: string): LogName {
  const sqlite = /^sqlite:(.+)$/.exec(text)?.[1];
  if (sqlite !== undefined) return { kind: 'sqlite', path: resolve(sqlite) };
  if (text === 'eventstoredb:') return { kind: 'eventstoredb', url: undefined };
  if (/^(esdb|kurrentdb|kdb)(\+discover)?:\/\/[^/\s]/.test(text)) {
    return { kind: 'eventstoredb', url: text };
  }
  throw new UnknownLogName(text);
}

/** For people: never with a login in it. */
export function describeLogName(name: LogName): string {
  if (name.kind === 'sqlite') return `sqlite:${name.path}`;
  return name.url === undefined ? 'eventstoredb:' : withoutLogin(name.url);
}

function withoutLogin(text: string): string {
  return text.replace(/(:\/\/)[^@]*@/, '$1…@');
}
