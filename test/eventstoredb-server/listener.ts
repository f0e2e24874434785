import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** The port of a server and its connections, which can be cut like those of a process that dies. */
export class Listener {
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async listen(
    host: string,
    port: number,
    onConnection: (socket: Socket) => void,
  ): Promise<Listener> {
    const server = createServer();
    const listener = new Listener(server);
    server.on('connection', (socket) => {
      socket.setNoDelay(true);
      listener.sockets.add(socket);
      socket.once('close', () => listener.sockets.delete(socket));
      onConnection(socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    return listener;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Takes no more connections; those that are open stay. */
  refuse(): void {
    this.server.close();
  }

  /**
   * Resets all connections. The gRPC library would tell each call that it was cancelled, which no client
   * hears from a machine that is gone.
   */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Cuts, and resolves when the port is free. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.cut();
    await closed;
  }
}
