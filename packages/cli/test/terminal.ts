import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import xterm from '@xterm/headless';

const DRIVER = fileURLToPath(new URL('pseudo-terminal.py', import.meta.url));
const LAUNCHER = fileURLToPath(new URL('../bin/taskmanager.mjs', import.meta.url));

/** How long a screen is waited for, milliseconds. */
const LIMIT_MS = 20_000;
const SIZE = { rows: 30, columns: 120 };

export const KEYS = { ctrlC: '\u0003', left: '\u001b[D', enter: '\r' } as const;

/** The built command line in a real terminal, whose screen a person would see. */
export class Terminal {
  /** Its exit code. */
  readonly exit: Promise<number>;
  private readonly screen: InstanceType<typeof xterm.Terminal>;
  private readonly child: ChildProcess;
  private readonly listeners = new Set<() => void>();
  private ended = false;

  constructor(
    args: readonly string[],
    variables: Readonly<Record<string, string>> = {},
    { rows, columns } = SIZE,
  ) {
    // A terminal that is told to be 0 x 0 has a size of its own nevertheless.
    const shown = { rows: rows || SIZE.rows, cols: columns || SIZE.columns };
    this.screen = new xterm.Terminal({ ...shown, allowProposedApi: true });
    const program = [process.execPath, LAUNCHER, ...args];
    this.child = spawn('python3', [DRIVER, String(rows), String(columns), ...program], {
      env: { PATH: process.env['PATH'], TERM: 'xterm-256color', LANG: 'C.UTF-8', ...variables },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child.stdout!.on('data', (bytes: Buffer) => {
      this.screen.write(bytes, () => this.changed());
    });
    this.exit = once(this.child, 'close').then(async ([code]) => {
      // What was written last is on the screen before anybody looks.
      await new Promise<void>((done) => this.screen.write('', done));
      this.ended = true;
      this.changed();
      return code as number;
    });
  }

  /** What stands on the screen and above it, line by line, without empty ends. */
  text(): string {
    const { active } = this.screen.buffer;
    const lines = Array.from(
      { length: active.length },
      (_, row) => active.getLine(row)?.translateToString(true) ?? '',
    );
    return lines.join('\n').trimEnd();
  }

  /** Whether any cell of this text on the screen is in a colour. */
  isColoured(text: string): boolean {
    const { active } = this.screen.buffer;
    for (let row = 0; row < active.length; row++) {
      const line = active.getLine(row);
      const column = line?.translateToString().indexOf(text) ?? -1;
      if (column >= 0) return !line!.getCell(column)!.isFgDefault();
    }
    throw new Error(`${text} is not on the screen:\n${this.text()}`);
  }

  /** Waits until the screen shows it. @throws Error when it does not, in time or before the end */
  until(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) =>
        finish(() => reject(new Error(`${why} before ${pattern}; the screen:\n${this.text()}`)));
      const finish = (end: () => void) => {
        clearTimeout(timer);
        this.listeners.delete(look);
        end();
      };
      const look = () => {
        const text = this.text();
        if (pattern.test(text)) finish(() => resolve(text));
        else if (this.ended) fail('It ended');
      };
      const timer = setTimeout(() => fail(`${LIMIT_MS} ms passed`), LIMIT_MS);
      this.listeners.add(look);
      look();
    });
  }

  type(keys: string): void {
    this.child.stdin!.write(keys);
  }

  /** Hangs up, as a window does that is closed. */
  async close(): Promise<void> {
    this.child.stdin!.end();
    await this.exit;
    this.screen.dispose();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}
