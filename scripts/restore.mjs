/**
 * `npm run restore -- --from <backup> [--to <data folder>]`: puts a backup into a data folder; `--help`
 * says how. It runs what was built, so that it runs in the service's container too. Ctrl-C leaves the
 * data folder as it was.
 */
import { restoreProgram } from '../dist/backup/main.js';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stopping.abort(signal));

process.exitCode = await restoreProgram({
  args: process.argv.slice(2),
  variables: process.env,
  output: process.stdout,
  errors: process.stderr,
  signal: stopping.signal,
});
