import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const WORKERS = fileURLToPath(new URL('../../packages/workers/dist/main.js', import.meta.url));

/** What `npm run workers` starts, to be killed and started again. */
export class WorkersProcess {
  private child: ChildProcess;
  /** What it had to complain of. */
  private words = '';

  /** @param variables its settings */
  constructor(private readonly variables: Readonly<Record<string, string>>) {
    this.child = this.start();
  }

  /** kill -9; resolves when another is on its way. */
  async killAndStart(): Promise<void> {
    await this.end('SIGKILL');
    this.child = this.start();
  }

  /** Answers its exit code, and all it has said: 0 and nothing, when nothing went wrong. */
  async stop(): Promise<readonly [code: number | null, words: string]> {
    return [await this.end('SIGTERM'), this.words];
  }

  private start(): ChildProcess {
    const child = spawn(process.execPath, ['--enable-source-maps', WORKERS], {
      env: { PATH: process.env['PATH'], ...this.variables },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.words += text));
    return child;
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const ended = once(this.child, 'close');
    this.child.kill(signal);
    return ((await ended) as [number | null])[0];
  }
}
