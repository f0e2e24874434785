import { fileURLToPath } from 'node:url';
import { freePort } from '../nats.js';
import { runMain } from '../service.js';

const KILL_AT = fileURLToPath(new URL('kill-at.mjs', import.meta.url));

/** When a process dies: see kill-at.mjs. */
export type KillAt = `${string} ${number} ${'before' | 'after'}`;

/** The built service under one port, started again after each kill. */
export class MortalService {
  readonly killed: KillAt[] = [];
  failure: string | undefined;
  private readonly waiting: KillAt[];
  private port = 0;
  private run: ReturnType<typeof runMain> | undefined;
  private ending = false;
  /** Asked for and not yet seen. */
  private kills = 0;
  private outputs = '';
  private living: Promise<void> = Promise.resolve();

  constructor(
    kills: readonly KillAt[],
    private readonly settings: Readonly<Record<string, string>>,
  ) {
    this.waiting = [...kills];
  }

  async begin(): Promise<number> {
    this.port ||= await freePort();
    this.ending = false;
    this.living = this.live();
    return this.port;
  }

  /** As SIGTERM ends it; what is not reached by then is not reached. */
  async end(): Promise<void> {
    this.ending = true;
    this.waiting.length = 0;
    this.run?.child.kill('SIGTERM');
    await this.living;
  }

  /** kill -9; it is started again at once. */
  kill(): void {
    this.run?.child.kill('SIGKILL');
    this.kills++;
  }

  output(): string {
    return this.outputs + (this.run?.output() ?? '');
  }

  private async live(): Promise<void> {
    while (!this.ending) {
      const kill = this.waiting.shift();
      const run = runMain(
        {
          ...this.settings,
          TCP_PORT: String(this.port),
          PROCESSOR_LEASE_MS: '1000',
          LEASE_GRACE_MS: '200',
          ...(kill !== undefined && { KILL_AT: kill }),
        },
        [],
        ['--import', KILL_AT],
      );
      this.run = run;
      const how = await run.exit;
      this.outputs += run.output();
      this.run = undefined;
      if (how === 'SIGKILL' && kill !== undefined) this.killed.push(kill);
      else if (how === 'SIGKILL' && this.kills > 0) this.kills--;
      else if (!this.ending || (how !== 0 && how !== 'SIGTERM')) {
        this.failure = `It ended with ${how}:\n${this.outputs}`;
        return;
      }
    }
  }
}
