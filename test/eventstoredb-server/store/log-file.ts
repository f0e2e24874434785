import { open, mkdir, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { type RecordedEvent } from './recorded-event.js';

const NEWLINE = 10;

interface Line {
  id: string;
  stream: string;
  revision: string;
  position: number;
  created: number;
  type: string;
  contentType: string;
  data: string;
  metadata: string;
}

/**
 * The log on disk: a file with one line of JSON for each append, so that the events of an append are
 * there together or not at all.
 */
export class LogFile {
  private waiting: { line: string; done: () => void; failed: (error: unknown) => void }[] = [];
  private flushing: Promise<void> | undefined;
  private flushCount = 0;
  private broken: Error | undefined;

  private constructor(private readonly file: FileHandle) {}

  /** Opens the log of a folder and answers what stands in it; a last line that was torn is cut off. */
  static async open(folder: string): Promise<{ file: LogFile; stored: RecordedEvent[] }> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, 'log.jsonl');
    const file = await open(path, 'a+');
    const bytes = await readFile(path);
    const stored: RecordedEvent[] = [];
    let end = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, end)) {
      const lines = JSON.parse(bytes.toString('utf8', end, at)) as Line[];
      for (const line of lines) stored.push(fromLine(line, stored.length));
      end = at + 1;
    }
    if (end < bytes.length) await file.truncate(end);
    return { file: new LogFile(file), stored };
  }

  /**
   * Resolves when the events, and all that were given before them, are on the disk.
   *
   * Server: the writer flushes when its queue is empty, so that what came during a flush shares the next
   * one (StorageWriterService).
   */
  write(events: readonly RecordedEvent[]): Promise<void> {
    return new Promise((done, failed) => {
      const line = events.length > 0 ? `${JSON.stringify(events.map(toLine))}\n` : '';
      this.waiting.push({ line, done, failed });
      this.flushing ??= this.flushAll();
    });
  }

  /** How often it was flushed since it was opened. */
  get flushes(): number {
    return this.flushCount;
  }

  async close(): Promise<void> {
    await this.flushing;
    await this.file.close();
  }

  private async flushAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const writes = this.waiting;
      this.waiting = [];
      try {
        // Server: a node whose disk fails writes nothing more.
        if (this.broken) throw this.broken;
        await this.file.appendFile(writes.map(({ line }) => line).join(''));
        await this.file.datasync();
        this.flushCount += 1;
        for (const { done } of writes) done();
      } catch (error) {
        this.broken = error as Error;
        for (const { failed } of writes) failed(error);
      }
    }
    this.flushing = undefined;
  }
}

const toLine = (event: RecordedEvent): Line => ({
  id: event.id,
  stream: event.stream,
  revision: event.revision.toString(),
  position: event.position,
  created: event.created,
  type: event.type,
  contentType: event.contentType,
  data: Buffer.from(event.data).toString('base64'),
  metadata: Buffer.from(event.metadata).toString('base64'),
});

const fromLine = (line: Line, index: number): RecordedEvent => ({
  ...line,
  index,
  revision: BigInt(line.revision),
  data: Buffer.from(line.data, 'base64'),
  metadata: Buffer.from(line.metadata, 'base64'),
});
