/** Debian's packages, for programs that tests and benchmarks start: installed, never started by the system. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** Whether packages can be installed here: by root, on Debian. */
export const canInstall = () => process.getuid?.() === 0 && existsSync('/etc/debian_version');

/** Installs packages without letting them start a service: policy-rc.d is how Debian says so. */
export function installPackages(...names) {
  const policy = '/usr/sbin/policy-rc.d';
  const ownPolicy = !existsSync(policy);
  if (ownPolicy) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...names];
  try {
    if (aptGet(install) === 0) return;
    aptGet(['update', '-qq']);
    aptGet(install);
  } finally {
    if (ownPolicy) rmSync(policy, { force: true });
  }
}

function aptGet(args) {
  const { status, error } = spawnSync('apt-get', args, {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (error) process.stderr.write(`apt-get: ${error.message}\n`);
  return status ?? 1;
}
