/**
 * The publishing example in front of your eyes: starts the built service on a free port with an empty
 * log in a temporary folder, runs the example against it, stops the service and removes the folder.
 * Ends with the example's exit code.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..');
const HOST = '127.0.0.1';
const START_MS = 30_000;
const STOP_MS = 15_000;

async function freePort() {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

const isOver = (child) => child.exitCode !== null || child.signalCode !== null;

async function untilListening(service, port) {
  const deadline = Date.now() + START_MS;
  while (!(await accepts(port))) {
    if (isOver(service)) throw new Error('The service ended before it listened.');
    if (Date.now() > deadline) throw new Error(`Nothing listens on ${port} after ${START_MS} ms.`);
    await wait(50);
  }
}

async function stop(child) {
  if (isOver(child)) return;
  const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  child.kill('SIGTERM');
  await once(child, 'exit');
  clearTimeout(hard);
}

const port = await freePort();
const dataDir = mkdtempSync(join(tmpdir(), 'taskmanager-demo-'));
const env = {
  ...process.env,
  DATA_DIR: dataDir,
  TCP_HOST: HOST,
  TCP_PORT: String(port),
  WORKERS: 'off',
};
// The demo's service is its own: whatever this shell says about brokers and tokens is for another one.
for (const name of ['NATS_URL', 'AUTH_FILE']) delete env[name];
let output = '';
const service = spawn(process.execPath, ['--enable-source-maps', 'dist/main.js'], {
  cwd: ROOT,
  env,
  stdio: ['ignore', 'pipe', 'pipe'],
});
for (const stream of [service.stdout, service.stderr]) {
  stream.setEncoding('utf8').on('data', (text) => (output += text));
}

let example;
// The example hears Ctrl-C too; this process stays to clean up after it.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => example?.kill(signal));

try {
  await untilListening(service, port);
  const address = ['--host', HOST, '--port', String(port)];
  example = spawn(process.execPath, ['examples/publish-packages/main.mjs', ...address], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  const [code] = await once(example, 'exit');
  process.exitCode = code ?? 1;
} catch (error) {
  process.stderr.write(`${output}\n${error.message}\n`);
  process.exitCode = 1;
} finally {
  await stop(service);
  rmSync(dataDir, { recursive: true, force: true });
}
