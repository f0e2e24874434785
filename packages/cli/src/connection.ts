import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { ConnectOptions, NatsCredentials } from '@taskmanager/client';
import { UsageError } from './usage-error.js';

/** Where the service is and who asks, from the options of every command and the environment. */
export interface ConnectionOptions {
  readonly server?: string;
  readonly token?: string;
  readonly actor?: string;
  /** Seconds. */
  readonly timeout: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

export const DEFAULT_SERVER = 'tcp://127.0.0.1:4010';
const FORM = /^(tcps?|nats|tls):\/\/([^\s/:@]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?\/?$/i;
const PORTS: Readonly<Record<string, number>> = { tcp: 4010, tcps: 4010, nats: 4222, tls: 4222 };

/** @throws UsageError for a place of another form, or NATS credentials that cannot be read */
export function connectionOf(options: ConnectionOptions, variables: Variables): ConnectOptions {
  const server = options.server ?? (variables['TASKMANAGER_SERVER'] || DEFAULT_SERVER);
  const [, scheme = '', host = '', port] = FORM.exec(server) ?? [];
  // What was given is not repeated: somebody may have put a password into it.
  if (scheme === '')
    throw new UsageError(
      'The server is given as tcp://host:port, tcps://host:port, nats://host:port or tls://host:port; passwords go into variables (see --help).',
    );
  const token = options.token ?? (variables['TASKMANAGER_TOKEN'] || undefined);
  const timeoutMs = options.timeout * 1_000;
  const common = {
    actor: options.actor ?? (variables['TASKMANAGER_ACTOR'] || nameOfUser()),
    timeoutMs,
    connectTimeoutMs: Math.min(timeoutMs, 5_000),
    ...(token === undefined ? {} : { token }),
  };
  const kind = scheme.toLowerCase();
  const at = { host, port: Number(port ?? PORTS[kind]) };
  if (kind.startsWith('tcp'))
    return {
      ...common,
      transport: 'tcp',
      host: at.host.replace(/^\[(.*)\]$/, '$1'),
      port: at.port,
      ...(kind === 'tcps' ? { tls: true } : {}),
    };
  const credentials = credentialsOf(variables);
  return {
    ...common,
    transport: 'nats',
    servers: `${kind}://${at.host}:${at.port}`,
    ...(credentials ? { credentials } : {}),
  };
}

/** The same variables as those of the service and the workers. */
function credentialsOf(variables: Variables): NatsCredentials | undefined {
  const { NATS_USER: user, NATS_PASSWORD: pass, NATS_TOKEN: token } = variables;
  const file = variables['NATS_CREDS_FILE'];
  if (user) return { user, ...(pass ? { pass } : {}) };
  if (token) return { token };
  if (!file) return undefined;
  try {
    return { creds: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new UsageError(`NATS_CREDS_FILE cannot be read: ${(error as Error).message}`);
  }
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user id need not have a name.
    return 'taskmanager-cli';
  }
}
