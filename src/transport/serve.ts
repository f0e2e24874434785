import type { INestApplication, INestMicroservice } from '@nestjs/common';
import { Settings } from '../config/index.js';
import { NatsServer } from './nats/nats-server.js';
import { TcpServer } from './tcp/tcp-server.js';

export interface Serving {
  /** Where TCP listens. */
  readonly tcp: { readonly host: string; readonly port: number };
  /** Resolves when NATS serves too; at once when it is off. TCP does not wait for it. */
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
  return { tcp: { host, port }, nats: listen(natsService) };
}

async function listen(service: INestMicroservice | undefined): Promise<void> {
  await service?.listen();
}
