/** The audit files that are open, by their paths: everything that the thread does. */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import type { RecordedEvent } from '../../event-store/index.js';
import type { Comparison } from './audit-compare.js';
import {
  AuditFile,
  type AuditFileState,
  type AuditTotals,
  type LastRow,
  type StreamHead,
} from './audit-file.js';
import { OtherLayout } from './audit-schema.js';
import type { AuditSearchRequest, FoundRows } from './audit-search.js';

/** Code of the error of whoever asks a file that is not open: it was replaced, or the thread began anew. */
export const NOT_OPEN = 'AUDIT_NOT_OPEN';

const BESIDE = ['-wal', '-shm'];

export interface OpenedFile extends AuditFileState {
  readonly last: LastRow | undefined;
  /** It could not be read, was kept under another name, and was made anew. */
  readonly broken: { readonly why: string; readonly keptAs: string } | undefined;
}

interface OpenAudit {
  readonly audit: AuditFile;
  readonly inode: number | undefined;
}

export class AuditFiles {
  private readonly open = new Map<string, OpenAudit>();
  /** Found when it was written: what SQLite said. */
  private readonly damage = new Map<string, string>();

  /** Opens or makes it; one of another version is left alone, and only says what it is. */
  opened(file: string, logId: string): OpenedFile {
    this.closeReplaced(file);
    let why = this.damage.get(file);
    try {
      if (why === undefined) return { ...this.openOnce(file, logId).state(), broken: undefined };
    } catch (error) {
      if (error instanceof OtherLayout) {
        const { logId: of, version } = error;
        const nothing = { position: null, events: 0, last: undefined, broken: undefined };
        return { logId: of, version, ...nothing };
      }
      if (!isBroken(error)) throw error;
      why = (error as Error).message;
    }
    const keptAs = this.setAside(file);
    return { ...this.openOnce(file, logId).state(), broken: { why, keptAs } };
  }

  /** Opens one that is there; false when it is not, is of another version, or cannot be read. */
  reopened(file: string, logId: string): boolean {
    this.closeReplaced(file);
    if (!existsSync(file)) return false;
    try {
      this.openOnce(file, logId);
      return true;
    } catch (error) {
      if (!isBroken(error) && !(error instanceof OtherLayout)) throw error;
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
    try {
      return this.of(file).write(expected, records, position);
    } catch (error) {
      if (isBroken(error)) this.damage.set(file, (error as Error).message);
      throw error;
    }
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
    this.open.get(file)?.audit.close();
    this.open.delete(file);
  }

  /** Takes it away for good. */
  drop(file: string): void {
    this.close(file);
    for (const end of ['', ...BESIDE]) rmSync(`${file}${end}`, { force: true });
  }

  /** Closes all others: what another process has dropped goes when nobody has it open any more. */
  keepOnly(files: readonly string[]): void {
    for (const file of [...this.open.keys()]) if (!files.includes(file)) this.close(file);
  }

  exists(file: string): boolean {
    return existsSync(file);
  }

  closeAll(): void {
    for (const file of [...this.open.keys()]) this.close(file);
  }

  private openOnce(file: string, logId: string): AuditFile {
    const open = this.open.get(file);
    if (open) return open.audit;
    const audit = AuditFile.open(file, logId);
    this.open.set(file, { audit, inode: inodeOf(file) });
    return audit;
  }

  /** Somebody may have taken it away, or put another one in its place: damage was that of the other. */
  private closeReplaced(file: string): void {
    const open = this.open.get(file);
    if (!open || open.inode === inodeOf(file)) return;
    this.close(file);
    this.damage.delete(file);
  }

  /** It is evidence, as are those before it and what its WAL holds: nothing is overwritten. */
  private setAside(file: string): string {
    this.close(file);
    this.damage.delete(file);
    let keptAs = `${file}.broken`;
    for (let n = 2; existsSync(keptAs); n++) keptAs = `${file}.broken-${n}`;
    renameSync(file, keptAs);
    if (existsSync(`${file}-wal`)) renameSync(`${file}-wal`, `${keptAs}-wal`);
    rmSync(`${file}-shm`, { force: true });
    return keptAs;
  }

  private of(file: string): AuditFile {
    const open = this.open.get(file)?.audit;
    if (!open) throw Object.assign(new Error(`${file} is not open.`), { code: NOT_OPEN });
    return open;
  }
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

function isBroken(error: unknown): boolean {
  const code = String((error as { code?: unknown }).code);
  return code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB');
}
