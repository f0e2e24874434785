/** The audit files that are open, by their paths: everything that the thread does. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import type { RecordedEvent } from '../../event-store/index.js';
import type { Comparison } from './audit-compare.js';
import {
  AuditFile,
  type AuditFileState,
  type AuditTotals,
  type LastRow,
  type StreamHead,
} from './audit-file.js';
import type { AuditSearchRequest, FoundRows } from './audit-search.js';

/** Code of the error of whoever asks a file that is not open: it was replaced, or the thread began anew. */
export const NOT_OPEN = 'AUDIT_NOT_OPEN';

const BESIDE = ['-wal', '-shm'];

/** `broken`: it could not be read, is kept as `<file>.broken`, and was made anew. */
export interface OpenedFile extends AuditFileState {
  readonly last: LastRow | undefined;
  readonly broken: string | undefined;
}

export class AuditFiles {
  private readonly open = new Map<string, AuditFile>();

  /** Opens or makes it. */
  opened(file: string, logId: string): OpenedFile {
    const open = this.open.get(file);
    // Somebody may have taken it away, or put another one in its place.
    if (open) this.close(file);
    let broken: string | undefined;
    let audit: AuditFile;
    try {
      audit = AuditFile.open(file, logId);
    } catch (error) {
      if (!isBroken(error)) throw error;
      for (const end of BESIDE) rmSync(`${file}${end}`, { force: true });
      renameSync(file, `${file}.broken`);
      broken = (error as Error).message;
      audit = AuditFile.open(file, logId);
    }
    this.open.set(file, audit);
    return { ...audit.state(), broken };
  }

  /** Opens one that is there; false when it is not, or cannot be read. */
  reopened(file: string, logId: string): boolean {
    if (this.open.has(file)) return true;
    if (!existsSync(file)) return false;
    try {
      this.open.set(file, AuditFile.open(file, logId));
      return true;
    } catch (error) {
      if (!isBroken(error)) throw error;
      return false;
    }
  }

  state(file: string): AuditFileState {
    return this.of(file).state();
  }

  write(
    file: string,
    expected: string | null,
    records: readonly RecordedEvent[],
    position: string | null,
  ): boolean {
    return this.of(file).write(expected, records, position);
  }

  page(file: string, request: AuditSearchRequest): FoundRows {
    return this.of(file).page(request);
  }

  compare(
    file: string,
    records: readonly RecordedEvent[],
    after: number,
    upTo: number,
  ): Comparison {
    return this.of(file).compare(records, after, upTo);
  }

  totals(file: string): AuditTotals {
    return this.of(file).totals();
  }

  heads(file: string, after: string, limit: number): StreamHead[] {
    return this.of(file).heads(after, limit);
  }

  beyond(file: string, after: number, limit: number): StreamHead[] {
    return this.of(file).beyond(after, limit);
  }

  close(file: string): void {
    this.open.get(file)?.close();
    this.open.delete(file);
  }

  /** Takes it away for good. */
  drop(file: string): void {
    this.close(file);
    for (const end of ['', ...BESIDE]) rmSync(`${file}${end}`, { force: true });
  }

  exists(file: string): boolean {
    return existsSync(file);
  }

  closeAll(): void {
    for (const file of [...this.open.keys()]) this.close(file);
  }

  private of(file: string): AuditFile {
    const open = this.open.get(file);
    if (!open) throw Object.assign(new Error(`${file} is not open.`), { code: NOT_OPEN });
    return open;
  }
}

function isBroken(error: unknown): boolean {
  const code = String((error as { code?: unknown }).code);
  return code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB');
}
