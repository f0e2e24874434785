/** The peers' packages: installed below bench/peers, by a lockfile of their own, when a benchmark needs them. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = import.meta.dirname;
/** Where npm writes down what it has installed. */
const INSTALLED = 'node_modules/.package-lock.json';

/** Installs what the lockfile says, unless it is there. @throws Error when npm cannot */
export function installPeers() {
  if (isInstalled()) return;
  console.log('Installing the peers that we are measured beside: npm ci in bench/peers');
  try {
    // None of them needs a script to run: their native parts come as packages or are done without.
    execFileSync('npm', ['ci', '--ignore-scripts'], {
      cwd: FOLDER,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch (cause) {
    throw new Error(
      'The peers are not installed: `npm ci` failed in bench/peers. It needs the npm registry.',
      { cause },
    );
  }
}

/** `1.2.3` of an installed peer. */
export const versionOf = (name) => read(`node_modules/${name}/package.json`).version;

function isInstalled() {
  try {
    const [wanted, there] = [read('package-lock.json'), read(INSTALLED)];
    return Object.entries(wanted.packages).every(
      ([path, { version, optional }]) =>
        path === '' || optional || there.packages[path]?.version === version,
    );
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

const read = (path) => JSON.parse(readFileSync(join(FOLDER, path), 'utf8'));
