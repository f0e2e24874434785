import { Server, ServerCredentials } from '@grpc/grpc-js';
import { CallLog } from './call-log.js';
import { Faults } from './faults.js';
import { featuresService, gossipService, streamsService } from './generated.js';
import { Listener } from './listener.js';
import { OpenCalls } from './open-calls.js';
import { append } from './services/append.js';
import { batchAppend } from './services/batch-append.js';
import { deleteStream, tombstoneStream } from './services/delete.js';
import { type Node } from './services/node.js';
import { readGossip, supportedMethods } from './services/questions.js';
import { read } from './services/read.js';
import { EventStore } from './store/event-store.js';
import { LogFile } from './store/log-file.js';

export interface ServerOptions {
  /** 0, or left out: a free one. */
  readonly port?: number;
  /** Where the log is kept; without it, in memory. */
  readonly folder?: string;
}

const HOST = '127.0.0.1';

/** Milliseconds. */
const SHUTDOWN_TIME = 1_000;

/** Server: the limits of the web server under it, and the largest record that the log takes. */
const LIMITS = {
  'grpc.max_concurrent_streams': 100,
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  'grpc.max_send_message_length': -1,
};

/** Events leave the store encoded, so that they are encoded once for all readers. */
const StreamsService = {
  ...streamsService.StreamsService,
  read: {
    ...streamsService.StreamsService.read,
    responseSerialize: (message: Buffer): Buffer => message,
  },
};

/** One node that speaks the protocol of EventStoreDB without TLS, in this process. */
export class EventStoreDbServer {
  readonly calls = new CallLog();
  readonly faults: Faults;
  private readonly openCalls = new OpenCalls();
  private running: { readonly grpc: Server; readonly listener: Listener } | undefined;
  private boundPort: number;

  private constructor(
    private readonly store: EventStore,
    port: number,
  ) {
    this.boundPort = port;
    this.faults = new Faults(this.openCalls);
  }

  static async start({ port = 0, folder }: ServerOptions = {}): Promise<EventStoreDbServer> {
    const opened = folder === undefined ? undefined : await LogFile.open(folder);
    const store = await EventStore.open(opened?.file, opened?.stored);
    const server = new EventStoreDbServer(store, port);
    await server.listen();
    return server;
  }

  get port(): number {
    return this.boundPort;
  }

  get connectionString(): string {
    return `esdb://${HOST}:${this.port}?tls=false`;
  }

  /** Cuts all connections; the store stays for `restart()`. */
  async stop(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    if (!running) return;
    await running.listener.close();
    await shutdown(running.grpc);
  }

  /** Ends as a node does that is told to: calls in flight are answered, subscriptions end without an error. */
  async shutdown(): Promise<void> {
    const { running } = this;
    if (!running) return;
    this.running = undefined;
    running.listener.refuse();
    const ended = shutdown(running.grpc);
    for (const call of [...this.openCalls.subscriptions, ...this.openCalls.batchAppends])
      call.end();
    // Server: what does not end in time is cut.
    const cut = setTimeout(() => running.listener.cut(), SHUTDOWN_TIME);
    await ended;
    clearTimeout(cut);
    await running.listener.close();
  }

  /** Resets all connections, and goes on listening. */
  cutConnections(): void {
    this.running?.listener.cut();
  }

  /** Listens again at the same port with the same store; stops first if it still runs. */
  async restart(): Promise<void> {
    await this.stop();
    await this.listen();
  }

  /** Stops and frees everything. */
  async close(): Promise<void> {
    await this.stop();
    await this.store.close();
  }

  private async listen(): Promise<void> {
    const { store, faults, calls, openCalls } = this;
    const port = (): number => this.boundPort;
    const node: Node = { store, faults, calls, openCalls, port };
    const grpc = new Server(LIMITS);
    grpc.addService(StreamsService, {
      append: append(node),
      batchAppend: batchAppend(node),
      delete: deleteStream(node),
      tombstone: tombstoneStream(node),
      read: read(node),
    });
    grpc.addService(featuresService.ServerFeaturesService, {
      getSupportedMethods: supportedMethods(node),
    });
    grpc.addService(gossipService.GossipService, { read: readGossip(node) });
    const connections = grpc.createConnectionInjector(ServerCredentials.createInsecure());
    const listener = await Listener.listen(HOST, this.boundPort, (socket) =>
      connections.injectConnection(socket),
    );
    this.boundPort = listener.port;
    this.running = { grpc, listener };
  }
}

/** Resolves when all connections are gone; it does not end those that are there. */
const shutdown = (grpc: Server): Promise<void> =>
  new Promise((resolve) => grpc.tryShutdown(() => resolve()));
