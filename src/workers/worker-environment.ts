import { delimiter } from 'node:path';
import type { Settings } from '../config/index.js';

/** Of the service's own environment, beside all `WORKER_…`: nothing that is secret. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'SSH_AUTH_SOCK', 'NODE_EXTRA_CA_CERTS'];
/** Whatever address the service listens on, this machine reaches it there. */
const HERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** What the process of workers is started with. */
export function workerEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  { tcp, workers, shutdownTimeoutMs }: Settings,
  port: number,
): Readonly<Record<string, string | undefined>> {
  const passed = Object.entries(own).filter(
    ([name]) => PASSED_ON.includes(name) || name.startsWith('WORKER_'),
  );
  const host = HERE[tcp.host] ?? tcp.host;
  return {
    // Half of the time that the service itself has, so that what is left is handed back in the other.
    WORKER_SHUTDOWN_MS: String(Math.floor(shutdownTimeoutMs / 2)),
    ...Object.fromEntries(passed),
    TASKMANAGER_URL: `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`,
    TASKMANAGER_TOKEN: workers.token,
    WORKER_ROOTS: workers.roots.join(delimiter),
  };
}
