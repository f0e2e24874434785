import type { Position } from '@taskmanager/protocol';
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LogFiles } from '../event-store/index.js';
import { LogAudit } from '../log-copy/log-audit.js';

/** What the file of a log holds, all of it read. */
export interface LogFacts {
  readonly logId: string;
  readonly events: number;
  readonly streams: number;
  /** SHA-256 in hex over all events, as `log:copy` prints it. */
  readonly digest: string;
  /** Of the last event; missing when the log is empty. */
  readonly position?: Position;
}

export interface FileFacts {
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

export interface Watching {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

/** The copy is not what it has to be. */
export class BackupBroken extends Error {
  readonly code = 'BACKUP_BROKEN';
  override readonly name = 'BackupBroken';
}

const TURN_EVERY = 500;

/**
 * Reads all of a log's file: the database itself, every event, every hash chain.
 * @throws BackupBroken with what does not fit; LogUnavailable when it cannot be read
 */
export async function verifyLog(
  files: LogFiles,
  file: string,
  { signal, onProgress }: Watching = {},
): Promise<LogFacts> {
  const log = files.read(file);
  try {
    const damage = log.damage();
    if (damage !== undefined) throw new BackupBroken(`${file} is damaged: ${damage}`);
    const audit = new LogAudit();
    const { size } = log;
    let seen = 0;
    let position: Position | undefined;
    for (const event of log.events()) {
      audit.see(event);
      position = event.position;
      if (++seen % TURN_EVERY !== 0) continue;
      onProgress?.(seen, size);
      await nextTurn();
      signal?.throwIfAborted();
    }
    const { events, streams, digest, brokenLinks, firstProblem } = audit.report();
    if (brokenLinks > 0) {
      throw new BackupBroken(
        `${brokenLinks} events do not hold in their hash chain, the first: ${firstProblem}. ` +
          'tasks.admin.verify_history says more; log:copy copies such a log all the same.',
      );
    }
    const facts = { logId: log.logId, events, streams, digest };
    return position === undefined ? facts : { ...facts, position };
  } finally {
    log.close();
  }
}

/** The file's length and digest, all of it read. */
export async function digestOf(
  file: string,
  { signal, onProgress }: Watching = {},
): Promise<FileFacts> {
  const hash = createHash('sha256');
  const total = statSync(file).size;
  let bytes = 0;
  for await (const chunk of createReadStream(file, { signal, highWaterMark: 1024 * 1024 })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    onProgress?.(bytes, total);
  }
  return { bytes, sha256: hash.digest('hex') };
}
