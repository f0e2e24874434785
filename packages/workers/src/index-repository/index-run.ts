/** One walk over what is tracked, that brings an index up to date. */
import type { RunningTask } from '@taskmanager/client';
import type { IndexedFile, IndexWriter, KnownFile } from '@taskmanager/search';
import { languageOf } from './languages.js';
import { DirectoryReader, type ReadFile, type Unread } from './read-file.js';
import { SymbolFinder } from './symbols.js';
import type { TrackedFiles } from './tracked-files.js';

/** A transaction is at most this much: what a kill costs, how long a pause waits, what is in memory. */
const BATCH_FILES = 200;
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_MS = 250;
const SHEBANG_BYTES = 200;

/** Why entries of git's list are not in the index, and how many. */
export type Skipped = {
  /** Neither these, nor files behind a folder that is one, are followed. */
  readonly symlinks: number;
  readonly submodules: number;
  /** Tracked, but not in the directory. */
  readonly missing: number;
  /** No file, or not for us to read. */
  readonly unreadable: number;
  /** Their names are no UTF-8. */
  readonly unnamed: number;
};

export class IndexRun {
  private readonly symbols = new SymbolFinder();
  private readonly utf8 = new TextDecoder();
  private written: IndexedFile[] = [];
  private restamped: KnownFile[] = [];
  private bytes = 0;
  private flushedAt = performance.now();
  private readonly unread = { missing: 0, symlink: 0, unreadable: 0 };

  constructor(
    private readonly task: RunningTask,
    private readonly directory: string,
    private readonly index: IndexWriter,
  ) {}

  /**
   * What is already as it should be in the index is not read again; so the index itself says where to go
   * on after a pause or a kill.
   */
  async over(tracked: TrackedFiles): Promise<Skipped> {
    const known = this.index.known();
    try {
      await this.readAll(tracked.paths, known);
    } finally {
      this.symbols.close();
    }
    await this.removeAll([...known.keys()]);
    const { symlinks, submodules, unnamed } = tracked;
    const { missing, symlink, unreadable } = this.unread;
    return { symlinks: symlinks + symlink, submodules, missing, unreadable, unnamed };
  }

  /** Takes out of `known` what is there. */
  private async readAll(paths: readonly string[], known: Map<string, KnownFile>): Promise<void> {
    const reader = new DirectoryReader(this.directory);
    const totalItems = paths.length;
    for (const [completedItems, path] of paths.entries()) {
      this.task.signal.throwIfAborted();
      const before = known.get(path);
      const read = await reader.read(path, before?.stamp);
      if (read === 'same') known.delete(path);
      else if (typeof read === 'string') this.unread[read satisfies Unread] += 1;
      else {
        known.delete(path);
        if (before?.hash === read.hash) this.restamp({ ...before, stamp: read.stamp });
        else await this.add(path, read);
      }
      if (this.isFull()) {
        this.flush();
        this.task.progress({ completedItems, totalItems });
        await this.task.pausePoint({ completedItems, totalItems });
      }
    }
    this.flush();
    this.task.progress({ completedItems: totalItems, totalItems });
  }

  private async add(path: string, { content, ...read }: ReadFile): Promise<void> {
    this.bytes += read.bytes;
    if (!content) return void this.written.push({ path, ...read });
    const language = languageOf(path, content.toString('latin1', 0, SHEBANG_BYTES));
    const named = { path, ...read, ...(language !== undefined && { language }) };
    if (read.kind === 'large') return void this.written.push(named);
    const text = this.utf8.decode(content);
    this.written.push({ ...named, text, symbols: await this.symbols.find(language, text) });
  }

  private restamp(file: KnownFile): void {
    if (file.stamp !== '') this.restamped.push(file);
  }

  private async removeAll(paths: readonly string[]): Promise<void> {
    for (let at = 0; at < paths.length; at += BATCH_FILES) {
      this.index.remove(paths.slice(at, at + BATCH_FILES));
      await this.task.pausePoint();
    }
  }

  private isFull(): boolean {
    return (
      this.written.length + this.restamped.length >= BATCH_FILES ||
      this.bytes >= BATCH_BYTES ||
      performance.now() - this.flushedAt >= BATCH_MS
    );
  }

  private flush(): void {
    if (this.written.length > 0) this.index.write(this.written);
    if (this.restamped.length > 0) this.index.restamp(this.restamped);
    this.written = [];
    this.restamped = [];
    this.bytes = 0;
    this.flushedAt = performance.now();
  }
}
