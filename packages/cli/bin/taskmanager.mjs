#!/usr/bin/env node
/**
 * Starts the command line. It stands in the repository as it is, so that `npm ci` links it and `npx
 * taskmanager` works in a clone: there it builds what is missing first, once.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/main.js', import.meta.url);

if (!existsSync(main)) {
  const build = fileURLToPath(new URL('../../../scripts/build.mjs', import.meta.url));
  const compiler = fileURLToPath(new URL('../../../node_modules/typescript', import.meta.url));
  if (!existsSync(build) || !existsSync(compiler)) {
    process.stderr.write(
      'taskmanager: it is not built: run `npm ci && npm run build` in the clone.\n',
    );
    process.exit(1);
  }
  process.stderr.write('Building the command line, once …\n');
  // It says on its own what went wrong; what it says is not part of the answer.
  const { status } = spawnSync(process.execPath, [build, 'cli'], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.exit(1);
}

await import(main.href);
