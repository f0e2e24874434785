import { ExitCode } from './exit-codes.js';
import { run } from './run.js';

/**
 * The program `taskmanager`. The first Ctrl-C or SIGTERM ends what is under way in order, the second at
 * once. A reader that goes away (`| head`) ends it without a word. A terminal that does not say how large
 * it is (a serial line, a container's) counts as one of 80 columns and 24 rows.
 */
const CODES = { SIGINT: ExitCode.Interrupted, SIGTERM: ExitCode.Terminated } as const;
const stopping = new AbortController();

for (const [signal, code] of Object.entries(CODES)) {
  process.on(signal, () => {
    if (stopping.signal.aborted) process.exit(code);
    stopping.abort(signal);
  });
}
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitCode.Done);
    throw error;
  });
  if (stream.isTTY) {
    sized(stream);
    stream.on('resize', () => sized(stream));
  }
}

process.exitCode = await run(process.argv.slice(2), {
  input: process.stdin,
  output: process.stdout,
  errors: process.stderr,
  variables: process.env,
  signal: stopping.signal,
});

function sized(terminal: NodeJS.WriteStream): void {
  terminal.columns ||= 80;
  terminal.rows ||= 24;
}
