import { type CommandOptions, TaskManager } from '@taskmanager/client';
import { type ConnectionOptions, connectionOf } from './connection.js';
import type { Io } from './io.js';
import { isTerminal, Output } from './output/output.js';
import { printable } from './output/printable.js';
import type { TimeStyle } from './output/words.js';
import { Declined, UsageError } from './usage-error.js';

/** After so long without a connection somebody who waits is told. */
const SILENCE_MS = 1_000;

/** The options that every command takes. */
export interface GlobalOptions extends ConnectionOptions {
  readonly json?: true;
  readonly color: boolean;
  readonly utc?: true;
  readonly iso?: true;
  readonly yes?: true;
}

/** What one command works with: the service, an output, and somebody to ask. Closed by whoever opened it. */
export class Session {
  readonly output: Output;
  /** Goes with every call: it is given up when the command line is told to stop. */
  readonly call: CommandOptions;
  /** Told of what no call tells: a feed that is interrupted. */
  onTrouble = (text: string): void => this.output.note(printable(text));
  private client: Promise<TaskManager> | undefined;

  constructor(
    readonly io: Io,
    private readonly options: GlobalOptions,
  ) {
    const times: TimeStyle = options.iso ? 'iso' : options.utc ? 'utc' : 'local';
    this.output = new Output(io, { json: options.json ?? false, color: options.color, times });
    this.call = { signal: io.signal };
  }

  get signal(): AbortSignal {
    return this.io.signal;
  }

  /** The service, connected to when it is first needed. @throws TaskManagerError `UNAVAILABLE` */
  readonly tasks = (): Promise<TaskManager> => (this.client ??= this.connect());

  /**
   * Returns when somebody says yes, or `--yes` was given.
   *
   * @param question asked for only where somebody can answer it
   * @throws Declined when the answer is no
   * @throws UsageError where nobody can be asked
   */
  readonly confirm = async (question: () => Promise<string> | string): Promise<void> => {
    if (this.options.yes) return;
    const { input, errors } = this.io;
    if (!isTerminal(input) || !isTerminal(errors))
      throw new UsageError(
        'This cannot be undone, and nobody can be asked here: say --yes. Nothing was done.',
      );
    // Loaded here alone: it would make every command start later.
    const { confirm, isCancel } = await import('@clack/prompts');
    const said = await confirm({
      message: printable(await question()),
      initialValue: false,
      input,
      output: errors,
      signal: this.signal,
    });
    if (isCancel(said) || !said) throw new Declined('Nothing was done.');
  };

  private async connect(): Promise<TaskManager> {
    const options = connectionOf(this.options, this.io.variables);
    const { connectTimeoutMs = Infinity } = options;
    // Not right before it is given up.
    const isTold = isTerminal(this.io.errors) && connectTimeoutMs > SILENCE_MS;
    const silence = setTimeout(() => {
      if (isTold) this.output.note('Nobody answers yet …');
    }, SILENCE_MS);
    try {
      return await TaskManager.connect({
        ...options,
        connectSignal: this.io.signal,
        onError: (error) => this.onTrouble(String((error as Error).message ?? error)),
      });
    } finally {
      clearTimeout(silence);
    }
  }

  async close(): Promise<void> {
    const client = await this.client?.catch(() => undefined);
    await client?.close({ waitMs: 0 });
  }
}
