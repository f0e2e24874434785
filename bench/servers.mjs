/** Servers that benchmarks start: on free ports of this machine, with their data in folders that go with them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { canInstall, installPackages } from '../scripts/debian.mjs';

const START_MS = 20_000;

/** @returns {Promise<{ url: string }>} */
export async function startNats(own) {
  const program = process.env.NATS_SERVER ?? needed('nats-server', 'nats-server', onPath);
  const port = await freePort();
  await started(program, ['-a', '127.0.0.1', '-p', String(port), '-l', '/dev/null'], {}, port, own);
  return { url: `nats://127.0.0.1:${port}` };
}

/**
 * Where `program` is, as `find(program)` knows; installs Debian's package of it where that can be done.
 *
 * @throws Error that says what to install
 */
export function needed(program, debianPackage, find) {
  if (find(program) === undefined && canInstall()) {
    console.log(
      `${program} is missing: installing Debian's package ${debianPackage} with apt-get.`,
    );
    installPackages(debianPackage);
  }
  const path = find(program);
  if (path !== undefined) return path;
  throw new Error(`${program} is missing: install it (Debian: apt-get install ${debianPackage}).`);
}

export function onPath(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin'];
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, program))
    .find(existsSync);
}

/** Its process id, once it answers on the port. In a process group of its own: Ctrl-C is for us. */
export async function started(program, args, options, port, own) {
  const child = spawn(program, args, {
    ...options,
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  own(async () => {
    // For both: end at once, and tidily. PostgreSQL's SIGTERM would wait for its clients.
    child.kill('SIGINT');
    await exited;
  });
  const deadline = performance.now() + START_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      throw new Error(`${program} did not start.`);
    }
    await delay(50);
  }
  return child.pid;
}

async function answers(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A folder that is gone at the end. */
export function temporaryFolder(own) {
  const folder = mkdtempSync(join(tmpdir(), 'taskmanager-bench-'));
  own(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
