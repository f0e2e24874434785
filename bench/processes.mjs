/** Child processes of a benchmark: started, asked, ended; nothing is left behind. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A folder that is gone when `work` is done. */
export async function inTemporaryFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'taskmanager-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As `npm start` has them. */
const START_FLAGS = ['--max-semi-space-size=32'];

/** Runs `work({ port, child })` beside a service on this data folder, with these settings beside. */
export function withService(dataDir, work, options) {
  return stopped(startService(dataDir, options), work);
}

/** Runs `work({ port, child })` beside a script that writes `{ port }` when it listens. */
export function withServer(script, work, options) {
  return stopped(startServer(script, options), work);
}

async function stopped(starting, work) {
  const server = await starting;
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** As `withService`, for those who call `stop()` themselves. */
export function startService(dataDir, { env = {}, execArgv } = {}) {
  const settings = { DATA_DIR: dataDir, TCP_PORT: '0', NATS_URL: '', LOG_LEVEL: 'error', ...env };
  return startServer('./service.mjs', { env: settings, execArgv });
}

async function startServer(script, { env = {}, execArgv = START_FLAGS } = {}) {
  const child = fork(new URL(script, import.meta.url), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    execArgv,
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  try {
    const line = await Promise.race([
      once(createInterface(child.stdout), 'line').then(([first]) => first),
      ended.then(([code]) => {
        throw new Error(`${script} ended with ${code} before it listened.`);
      }),
    ]);
    return { child, port: JSON.parse(line).port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs a script in a process of its own and answers the one JSON line that it prints last. */
export async function measureApart(script, args, { env = {} } = {}) {
  const child = fork(new URL(script, import.meta.url), args.map(String), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    execArgv: START_FLAGS,
  });
  const lines = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${script} ended with ${code}.`);
  return JSON.parse(lines.at(-1));
}
