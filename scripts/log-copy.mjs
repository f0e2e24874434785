/**
 * `npm run log:copy -- --from <log> --to <log>`: copies an event log into another; `--help` says how. It
 * runs what was built, so that it runs in the service's container too. The first Ctrl-C ends it after
 * the append at hand, the second at once: either way the same command goes on where it stopped.
 */
import { logCopy } from '../dist/log-copy/main.js';

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 };
const stopping = new AbortController();
for (const [signal, code] of Object.entries(EXIT_CODES)) {
  process.on(signal, () => {
    if (stopping.signal.aborted) process.exit(code);
    stopping.abort(signal);
  });
}

const code = await logCopy({
  args: process.argv.slice(2),
  variables: process.env,
  output: process.stdout,
  errors: process.stderr,
  signal: stopping.signal,
});
// Stopped while a cluster was waited for, nothing is open but the waiting.
if (stopping.signal.aborted) process.exit(code);
process.exitCode = code;
