import { type INestApplication, type INestMicroservice, Logger } from '@nestjs/common';
import { Settings } from '../config/index.js';
import { NatsServer } from './nats/nats-server.js';
import { TcpServer } from './tcp/tcp-server.js';

const logger = new Logger('NATS');

export interface Serving {
  /** Where TCP listens. */
  readonly tcp: { readonly host: string; readonly port: number };
  /**
   * Resolves when NATS serves too; at once when it is off. TCP does not wait for it, and nobody has to:
   * that it failed is in the log.
   */
  readonly nats: Promise<void>;
}

/**
 * Connects the transports to the application and starts them.
 * @throws Error when the port cannot be listened on
 */
export async function serve(app: INestApplication): Promise<Serving> {
  const settings = app.get(Settings);
  const tcp = app.get(TcpServer, { strict: false });
  const strategies = settings.nats ? [tcp, app.get(NatsServer, { strict: false })] : [tcp];
  const [tcpService, natsService] = strategies.map((strategy) =>
    app.connectMicroservice({ strategy }, { inheritAppConfig: true }),
  );
  await app.init();
  await tcpService?.listen();
  const { host } = settings.tcp;
  const port = tcp.address?.port ?? settings.tcp.port;
  const nats = listen(natsService);
  // Nobody has to wait for it: TCP serves on without it.
  nats.catch((error: unknown) => logger.error('NATS is not served', stackOf(error)));
  return { tcp: { host, port }, nats };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function listen(service: INestMicroservice | undefined): Promise<void> {
  await service?.listen();
}
