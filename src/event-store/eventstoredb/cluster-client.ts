import { EventStoreDBClient, type SingleNodeOptions } from '@eventstore/db-client';
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

/** What of a gRPC stream is needed here. */
interface AnswerStream {
  listeners(event: 'data'): ((answer: unknown) => void)[];
  removeListener(event: 'data', listener: (answer: unknown) => void): unknown;
  on(event: 'data', listener: (answer: unknown) => void): unknown;
}

/** The client of one cluster, mended where it could take the process down, and with an end. */
export class ClusterClient extends EventStoreDBClient {
  private channel: { close(): void } | undefined;

  constructor(server: ServerAddress) {
    super(settingsOf(server), credentialsOf(server), server.login);
    const create = this.GRPCStreamCreator;
    this.GRPCStreamCreator = (service, name, creator, cache) =>
      create(
        service,
        name,
        (grpc) => {
          this.channel = grpc.getChannel();
          const stream = creator(grpc);
          return cache ? withstandingLateAnswers(stream) : stream;
        },
        cache,
      );
  }

  /** Of the server, e.g. `23.10.1.0`; anything else when it does not say. */
  async serverVersion(): Promise<string> {
    return (await this.capabilities).serverVersion;
  }

  /** Rejects what is under way and lets go of the connection, which `dispose` alone would keep. */
  async end(): Promise<void> {
    await within(DISPOSE_MS, this.dispose()).catch(() => undefined);
    this.channel?.close();
  }
}

/**
 * All appends of a process share one table of who waits for which answer, and an error on one stream
 * of answers empties it. An answer that comes after that finds nobody, throws where nobody can catch
 * it, and ends the process. Its append was rejected as unknown and has been asked again.
 */
async function withstandingLateAnswers<T>(created: T | Promise<T>): Promise<T> {
  const stream = await created;
  const answers = stream as unknown as AnswerStream;
  for (const listener of answers.listeners('data')) {
    answers.removeListener('data', listener);
    answers.on('data', (answer) => {
      try {
        listener(answer);
      } catch {
        // Nobody waits for it any more, or it cannot be read: the append's own time limit ends it.
      }
    });
  }
  return stream;
}

/** One of three shapes; the constructor tells them apart by their fields, its types do not. */
function settingsOf(server: ServerAddress): SingleNodeOptions {
  const { hosts, discover, nodePreference, keepAliveMs, keepAliveTimeoutMs } = server;
  const common = {
    keepAliveInterval: keepAliveMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    defaultDeadline: SERVER_DEADLINE_MS,
    connectionName: server.connectionName,
    // With false a conflict would be answered with a wrong revision.
    throwOnAppendFailure: true,
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
