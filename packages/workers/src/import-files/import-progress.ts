/** How far an import is, and the place where it stops when somebody wants it to. */
import type { Json, RunningTask } from '@taskmanager/client';
import type { ManifestTotals } from './manifest.js';

const MEGABYTE = 1_000_000;

export class ImportProgress {
  private files = 0;
  private bytes = 0;
  private total = { files: 0, bytes: 0 };

  constructor(
    private readonly task: RunningTask,
    private readonly manifest: string,
  ) {}

  /** @throws TaskStopped; what is in flight then is thrown away, what is in the manifest stays done */
  async goOn(): Promise<void> {
    this.task.signal.throwIfAborted();
    await this.task.pausePoint(this.checkpoint());
  }

  /** Whoever goes on finds in the manifest what is done; the rest is for those who look. */
  checkpoint(): Json {
    return { manifest: this.manifest, files: this.files, bytes: this.bytes };
  }

  /** While they are looked for. */
  found(files: number): void {
    this.total.files += files;
    this.task.progress(undefined, `looking for files: ${this.total.files} so far`);
  }

  /** All are known; some may have been done by an earlier attempt. */
  begin({ found, foundBytes, done, doneBytes, failed }: ManifestTotals): void {
    this.total = { files: found, bytes: foundBytes };
    this.files = done + failed;
    this.bytes = doneBytes;
    this.tell();
  }

  read(bytes: number): void {
    this.bytes += bytes;
    this.tell();
  }

  done(): void {
    this.files++;
    this.tell();
  }

  /** @param bytes of it that were read, and will not be kept */
  failed(bytes: number): void {
    this.bytes -= bytes;
    this.done();
  }

  private tell(): void {
    const { files, bytes } = this.total;
    this.task.progress(
      { completedItems: this.files, totalItems: files },
      `${this.files} of ${files} files, ${megabytes(this.bytes)} of ${megabytes(bytes)} MB`,
    );
  }
}

const megabytes = (bytes: number): string => (bytes / MEGABYTE).toFixed(1);
