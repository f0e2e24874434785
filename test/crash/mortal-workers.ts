import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('mortal-worker.mjs', import.meta.url));

/** How long a worker is believed to live without a word. */
export const LEASE_MS = 1_500;
/** Shorter than most of its tasks: what a worker holds when it is stopped, it hands back. */
const SHUTDOWN_MS = 200;
/** A worker ends within this, with what it holds or without. */
const END_MS = 10_000;

export interface MortalWorker {
  readonly id: string;
  readonly child: ChildProcess;
}

/** Worker processes under names that are never used again, one started for each that is killed or stopped. */
export class MortalWorkers {
  readonly alive: MortalWorker[] = [];
  /** When those were told to end that were stopped under load, epoch milliseconds, by their id. */
  readonly stoppedAt = new Map<string, number>();
  private readonly stopping: MortalWorker[] = [];
  private names = 0;
  /** What they could tell nobody else. */
  private output = '';

  constructor(private readonly port: number) {}

  /** Resolves when it claims. */
  async start(): Promise<MortalWorker> {
    const id = `worker-${++this.names}`;
    const child = spawn(process.execPath, ['--enable-source-maps', PROGRAM], {
      env: {
        PATH: process.env['PATH'],
        WORKER_ID: id,
        PORT: String(this.port),
        LEASE_MS: String(LEASE_MS),
        SHUTDOWN_MS: String(SHUTDOWN_MS),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const worker = { id, child };
    this.alive.push(worker);
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    const [first] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [
      Buffer | number | null,
    ];
    if (!Buffer.isBuffer(first)) throw new Error(`${id} ended as it began:\n${this.output}`);
    return worker;
  }

  /** kill -9, and another takes its place. */
  async kill(worker: MortalWorker): Promise<void> {
    this.alive.splice(this.alive.indexOf(worker), 1);
    const ended = once(worker.child, 'exit');
    worker.child.kill('SIGKILL');
    await ended;
    await this.start();
  }

  /** SIGTERM, when another is there to take what it hands back. Answers what it should not have done. */
  async stop(worker: MortalWorker): Promise<string[]> {
    this.alive.splice(this.alive.indexOf(worker), 1);
    this.stopping.push(worker);
    await this.start();
    this.stoppedAt.set(worker.id, Date.now());
    const problems = await stopped(worker);
    this.stopping.splice(this.stopping.indexOf(worker), 1);
    return problems;
  }

  /** As SIGTERM ends them. Answers what they should not have done or said. */
  async end(): Promise<string[]> {
    const problems = (await Promise.all(this.alive.splice(0).map(stopped))).flat();
    return this.output === '' ? problems : [...problems, `The workers said: ${this.output}`];
  }

  /** Whatever became of the test, nothing stays. */
  async forget(): Promise<void> {
    const left = [...this.alive.splice(0), ...this.stopping.splice(0)].filter(
      ({ child }) => child.exitCode === null,
    );
    await Promise.all(
      left.map(async ({ child }) => {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }),
    );
  }
}

async function stopped({ id, child }: MortalWorker): Promise<string[]> {
  const how = once(child, 'exit') as Promise<[number | null, string | null]>;
  child.kill('SIGTERM');
  const began = performance.now();
  const [code, signal] = await how;
  const ms = Math.round(performance.now() - began);
  if (ms > END_MS) return [`${id} took ${ms} ms to end.`];
  return code === 0 ? [] : [`${id} ended with ${code ?? signal}.`];
}
