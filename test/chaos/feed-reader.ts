import { setTimeout as delay } from 'node:timers/promises';
import { TaskManager } from '@taskmanager/client';
import type { LogRow } from '../crash/log-rows.js';

const WAIT_MS = 1_000;
const PAUSE_MS = 50;

/** Follows the feed by its positions, as any program may, and remembers what it saw. */
export class FeedReader {
  /** One line for each event. */
  readonly seen: string[] = [];
  /** Reads that failed, re-sends of the client included. */
  interruptions = 0;
  private position: string | undefined;
  private isOver = false;
  private readonly running: Promise<void>;

  private constructor(private readonly client: TaskManager) {
    this.running = this.run();
  }

  static async start(port: number): Promise<FeedReader> {
    const options = { transport: 'tcp', port, actor: 'reader', timeoutMs: 5_000 } as const;
    return new FeedReader(await TaskManager.connect(options));
  }

  /** Whether it has seen everything up to the end of this log. */
  hasReached(position: string): boolean {
    return (this.position ?? '') >= position;
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.running;
    await this.client.close();
  }

  /** What is wrong with what it saw, beside the log. */
  problems(rows: readonly LogRow[]): string[] {
    const expected = rows
      .filter(({ stream }) => stream.startsWith('task-'))
      .map(({ stream, revision, position }) => lineOf(stream.slice(5), Number(revision), position));
    const index = expected.findIndex((line, n) => line !== this.seen[n]);
    if (index === -1 && expected.length === this.seen.length) return [];
    const [saw, held] = [this.seen[index], expected[index]];
    return [
      `The feed reader saw ${this.seen.length} events of ${expected.length}; as number ${index} ${saw}, where the log holds ${held}.`,
    ];
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      try {
        const from = this.position ?? 'start';
        const page = await this.client.readEvents({ from, waitMs: WAIT_MS, limit: 500 });
        for (const { taskId, revision, position } of page.events) {
          this.seen.push(lineOf(taskId, revision, position));
        }
        this.position = page.position ?? this.position;
      } catch {
        this.interruptions++;
        await delay(PAUSE_MS);
      }
    }
  }
}

const lineOf = (taskId: string, revision: number, position: string): string =>
  `${position} ${taskId} ${revision}`;
