/**
 * The container's probe: asks the service, over TCP and from inside, for one answer. Any answer will do,
 * a refusal of who has no token too, but not `UNAVAILABLE`. Exit code 0 or 1.
 */
import { TaskManager } from '@taskmanager/client';

const WAIT_MS = 4_000;

const { TCP_HOST, TCP_PORT, TCP_TLS_CERT } = process.env;
/** Where a listener on every address can be reached. */
const host = !TCP_HOST || TCP_HOST === '0.0.0.0' || TCP_HOST === '::' ? '127.0.0.1' : TCP_HOST;

/** The service's own certificate is for its name, not for this address. */
const tls = TCP_TLS_CERT ? { tls: { rejectUnauthorized: false } } : {};

let client;
try {
  client = await TaskManager.connect({
    transport: 'tcp',
    host,
    port: Number(TCP_PORT || 4010),
    actor: 'healthcheck',
    timeoutMs: WAIT_MS,
    ...tls,
  });
  await client.taskStats();
} catch (error) {
  const refused = ['UNAUTHENTICATED', 'FORBIDDEN'].includes(error.code);
  if (!refused) {
    console.error(`${error.code ?? error.name}: ${error.message}`);
    process.exitCode = 1;
  }
} finally {
  await client?.close();
}
