import { TaskManagerError } from './errors.js';
import type { ConnectOptions } from './options.js';
import { NatsTransport } from './transport/nats.transport.js';
import { TcpTransport } from './transport/tcp.transport.js';
import type { Transport } from './transport/transport.js';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 4010;
const DEFAULT_NATS = 'nats://127.0.0.1:4222';

export function createTransport(options: ConnectOptions): Transport {
  switch (options.transport) {
    case 'tcp': {
      const { host = DEFAULT_HOST, port = DEFAULT_PORT, tls } = options;
      if (!tls) return new TcpTransport({ host, port });
      return new TcpTransport({ host, port, tls: tls === true ? {} : tls });
    }
    case 'nats': {
      const { servers = DEFAULT_NATS, credentials, tls, appName: name } = options;
      return new NatsTransport({ servers, credentials, tls, name });
    }
    default:
      throw new TaskManagerError(
        'VALIDATION_FAILED',
        `connect: transport must be 'tcp' or 'nats', not ${String((options as { transport?: unknown }).transport)}`,
        { field: 'transport' },
      );
  }
}

/** Where the service was looked for, for messages. */
export function targetOf(options: ConnectOptions): string {
  return options.transport === 'tcp'
    ? `${options.host ?? DEFAULT_HOST}:${options.port ?? DEFAULT_PORT}`
    : `NATS at ${String(options.servers ?? DEFAULT_NATS)}`;
}
