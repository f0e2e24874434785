import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Settings } from '../config/index.js';
import { workerEnvironment } from './worker-environment.js';

const MAIN = fileURLToPath(new URL('../../packages/workers/dist/main.js', import.meta.url));
/** It says by this exit code that another start would end the same way. */
const NOT_TO_BE_STARTED = 2;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Who lived for so long is started again without a longer pause, milliseconds. */
const HEALTHY_MS = 60_000;
/** How long what was killed may take to be gone, milliseconds. */
const KILLED_MS = 5_000;

/**
 * The workers that come with TaskManager, in a process of their own beside the service: started again
 * when it dies, and stopped before the service is. Only the program starts it, tests do not.
 */
@Injectable()
export class WorkerProcess implements OnModuleDestroy {
  private readonly logger = new Logger('Workers');
  private readonly stopping = new AbortController();
  private child: ChildProcess | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly settings: Settings) {}

  /**
   * @param port where the service listens
   * @returns what the start report says of it
   */
  start(port: number): string {
    const { off, roots } = this.settings.workers;
    if (off !== undefined) return `off: ${off}`;
    if (!existsSync(MAIN)) return 'off: they are not part of this installation';
    this.running = this.keepRunning(port);
    return `the included workers, for files below ${roots.join(delimiter)}`;
  }

  /** Nest calls it of the application before its modules, while the service still takes what is handed back. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    if (!this.child || !this.running) return;
    this.child.kill('SIGTERM');
    const within = async (ms: number) => {
      const limit = new AbortController();
      const ended = await Promise.race([
        this.running?.then(() => true),
        delay(ms, false, { signal: limit.signal }).catch(() => false),
      ]);
      limit.abort();
      return ended;
    };
    if (await within(this.settings.shutdownTimeoutMs)) return;
    this.logger.warn('The workers did not stop in time and are killed');
    this.child.kill('SIGKILL');
    await within(KILLED_MS);
  }

  private async keepRunning(port: number): Promise<void> {
    const { signal } = this.stopping;
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted;) {
      const before = performance.now();
      const end = await this.runOnce(port);
      if (signal.aborted) return;
      if (end === NOT_TO_BE_STARTED) {
        this.logger.error('The workers are off: what they said above has to be mended first');
        return;
      }
      if (performance.now() - before > HEALTHY_MS) pauseMs = FIRST_PAUSE_MS;
      this.logger.warn(`The workers ended with ${end} and are started again in ${pauseMs} ms`);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  /** Answers how it ended. The channel between the two tells it when the service is gone. */
  private async runOnce(port: number): Promise<string | number | null> {
    const child = spawn(process.execPath, ['--enable-source-maps', MAIN], {
      env: workerEnvironment(process.env, this.settings, port),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.child = child;
    child.channel?.unref();
    try {
      const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
      return code ?? signal;
    } catch (error) {
      return (error as Error).message;
    }
  }
}
