import {
  EventStoreDBClient,
  type AppendResult,
  type SingleNodeOptions,
} from '@eventstore/db-client';
import grpcServices, {
  type StreamsClient,
} from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { ExpectedRevision } from '../event-log.port.js';
import type { EncodedEvent } from './append-request.js';
import { type AppendCall, AppendStream, openAppendCall } from './append-stream.js';
import type { ServerAddress } from './eventstoredb-options.js';
import { within } from './time-limit.js';

const DISPOSE_MS = 500;
/**
 * The server gives up an append that it has not begun by then, by the clock of this machine: far more
 * than any time limit here, so that clocks may differ.
 */
const SERVER_DEADLINE_MS = 30_000;
/** Few and short, because whoever calls has a time limit of his own and tries again. */
const DISCOVERY = { maxDiscoverAttempts: 3, discoveryInterval: 250 };
/** In SECONDS, whatever the documentation of some versions says. */
const GOSSIP_TIMEOUT_S = 2;

/** A client, and a signal that fires when it is thrown away: what it was doing never ends then. */
export interface LiveClient {
  readonly client: ClusterClient;
  readonly over: AbortSignal;
}

/** The client under a call was replaced by a new one: the call would not end by itself. */
export class ClientThrownAway extends Error {
  override readonly name = 'ClientThrownAway';

  constructor() {
    super('the connection was given up and is made anew');
  }
}

/** The client of one cluster, mended where it could take the process down, and with an end. */
export class ClusterClient extends EventStoreDBClient {
  /** The call of now; another one after it has ended. */
  private readonly appendCall: () => Promise<AppendCall>;
  private before: Promise<unknown> = Promise.resolve();
  private channel: { close(): void } | undefined;
  private readonly appends = new AppendStream();
  private readonly calls = new WeakMap<StreamsClient, AppendCall | Promise<AppendCall>>();

  constructor(server: ServerAddress) {
    super(settingsOf(server), credentialsOf(server), server.login);
    const create = this.GRPCStreamCreator;
    this.GRPCStreamCreator = (service, name, creator, cache) =>
      create(
        service,
        name,
        (grpc) => {
          this.channel = grpc.getChannel();
          return creator(grpc);
        },
        cache,
      );
    this.appendCall = this.GRPCStreamCreator(
      grpcServices.StreamsClient,
      'append',
      (grpc) => {
        const call = openAppendCall(grpc, this.callArguments({}, { deadline: Infinity }));
        this.appends.listen(call);
        return call;
      },
      this.calls,
    );
  }

  /** Of the server, e.g. `23.10.1.0`; anything else when it does not say. */
  async serverVersion(): Promise<string> {
    return (await this.capabilities).serverVersion;
  }

  /** Rejects with an error of the client; an answer that never comes is waited for without an end. */
  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly EncodedEvent[],
  ): Promise<AppendResult> {
    const deadline = Date.now() + SERVER_DEADLINE_MS;
    // They leave in the order in which they were asked for, also while the call is being made.
    const call = this.before.then(this.appendCall, this.appendCall);
    this.before = call;
    return this.appends.append(await call, { stream, expected, deadline, events });
  }

  /** Rejects what is under way and lets go of the connection, which `dispose` alone would keep. */
  async end(): Promise<void> {
    await within(DISPOSE_MS, this.dispose()).catch(() => undefined);
    this.channel?.close();
  }
}

/** One of three shapes; the constructor tells them apart by their fields, its types do not. */
function settingsOf(server: ServerAddress): SingleNodeOptions {
  const { hosts, discover, nodePreference, keepAliveMs, keepAliveTimeoutMs } = server;
  const common = {
    keepAliveInterval: keepAliveMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    defaultDeadline: SERVER_DEADLINE_MS,
    connectionName: server.connectionName,
  };
  const [first] = hosts;
  if (first && hosts.length === 1 && !discover) return { ...common, endpoint: first };
  const discovery = { ...common, ...DISCOVERY, gossipTimeout: GOSSIP_TIMEOUT_S, nodePreference };
  // Of several hosts the client would ask the first one only, if it were told to discover.
  const where = hosts.length === 1 ? { discover: first } : { endpoints: [...hosts] };
  return { ...discovery, ...where } as unknown as SingleNodeOptions;
}

function credentialsOf({ tls }: ServerAddress) {
  if (!tls) return { insecure: true };
  const { ca, cert, key } = tls;
  return {
    insecure: false,
    ...(ca === undefined ? {} : { rootCertificate: Buffer.from(ca) }),
    ...(cert === undefined ? {} : { userCertFile: Buffer.from(cert) }),
    ...(key === undefined ? {} : { userKeyFile: Buffer.from(key) }),
  };
}
