/**
 * Runs every test, or those named: `npm test -- test/contract`. The tests start brokers of their own, so
 * a `nats-server` must be there: nothing is skipped for want of one.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { canInstall, installPackages } from './debian.mjs';

const ROOT = join(import.meta.dirname, '..');
const JEST = 'node_modules/jest/bin/jest.js';

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (error) process.stderr.write(`${command}: ${error.message}\n`);
  return status ?? 1;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isOnPath(program) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.some((folder) => isExecutable(join(folder, program)));
}

/** Path of nats-server, or undefined. NATS_SERVER, when set, is the only place looked at. */
function findNatsServer() {
  const named = process.env.NATS_SERVER;
  if (named) return isExecutable(named) ? named : undefined;
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin'];
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, 'nats-server'))
    .find(isExecutable);
}

let natsServer = findNatsServer();
if (!natsServer && !process.env.NATS_SERVER) {
  if (canInstall()) {
    console.log("nats-server is missing: installing Debian's package with apt-get.");
    installPackages('nats-server');
    natsServer = findNatsServer();
  }
}
if (!natsServer) {
  const where = process.env.NATS_SERVER
    ? `not at NATS_SERVER=${process.env.NATS_SERVER}`
    : 'missing';
  console.error(
    `nats-server is ${where}: install it (Debian: apt-get install nats-server; else https://github.com/nats-io/nats-server/releases) and have it on the PATH, or set NATS_SERVER to its path.`,
  );
  process.exit(1);
}

/** What single tests run beside it, and Debian's package of each. */
const TOOLS = { 'g++': 'g++', git: 'git', openssl: 'openssl', prlimit: 'util-linux' };
const missing = Object.keys(TOOLS).filter((tool) => !isOnPath(tool));
if (missing.length > 0) {
  const packages = missing.map((tool) => TOOLS[tool]).join(' ');
  console.error(
    `The tests need ${missing.join(', ')}: install (Debian: apt-get install ${packages}).`,
  );
  process.exit(1);
}

const built = run(process.execPath, ['scripts/build.mjs']);
if (built !== 0) process.exit(built);

const flags = ['--experimental-vm-modules', '--no-warnings'];
process.exit(
  run(process.execPath, [...flags, JEST, ...process.argv.slice(2)], {
    env: { ...process.env, NATS_SERVER: natsServer },
  }),
);
