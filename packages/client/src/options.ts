import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { NatsCredentials, NatsTarget } from './transport/nats.transport.js';

/** What every call may say beside its fields. */
export interface QueryOptions {
  /** For the whole call, re-sends included, milliseconds; the client's `timeoutMs` by default. */
  readonly timeoutMs?: number;
  /** Gives the call up; a command may have taken effect all the same. */
  readonly signal?: AbortSignal;
  /** Text that finds everything done for one purpose again in events and logs. */
  readonly correlationId?: string;
  readonly causationId?: string;
}

export interface CommandOptions extends QueryOptions {
  /** UUID: sent again with the same one, a command takes effect once. Made up when not given. */
  readonly commandId?: string;
  /** It was sent before with this `commandId` and may have taken effect: the service looks there first. */
  readonly retry?: boolean;
}

interface CommonOptions {
  /** A token of the service's token file. */
  readonly token?: string;
  /** Who acts, for a service without a token file. The app's name by default. */
  readonly actor?: string | { readonly id: string; readonly roles?: readonly string[] };
  /** The program's name: `createTask` uses it where none is given. */
  readonly appName?: string;
  /** Time limit of a call, re-sends included, milliseconds: 30,000 by default. */
  readonly timeoutMs?: number;
  /** Time limit of one try, milliseconds: 10,000 by default. */
  readonly tryTimeoutMs?: number;
  /** `connect` fails after so many milliseconds without a connection: 5,000 by default. */
  readonly connectTimeoutMs?: number;
  /** `connect` is given up when it fires before there is a connection. */
  readonly connectSignal?: AbortSignal;
  /** `connect` does not wait for a connection: the first call makes it. */
  readonly lazy?: boolean;
  /** Sends the commands of one turn of the event loop together. On by default. */
  readonly coalesce?: boolean;
  /** Messages without an answer at one time: 128 by default; a service takes 256 a connection. */
  readonly maxInFlight?: number;
  /** Calls without an answer at one time: 100,000 by default; past it `OVERLOADED`. */
  readonly maxQueued?: number;
  /**
   * Told what no call can tell: a listener that threw, a feed that is interrupted, or that has to begin
   * anew because the service's log was replaced. Without it what needs a programmer's eye becomes a
   * process warning, and so does what it throws itself.
   */
  readonly onError?: (error: unknown) => void | Promise<void>;
}

export interface TcpConnectOptions extends CommonOptions {
  readonly transport: 'tcp';
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** 4010 by default. */
  readonly port?: number;
  /** Node's TLS options; `true` for the system's authorities and nothing else. */
  readonly tls?: boolean | TlsOptions;
}

export interface NatsConnectOptions extends CommonOptions {
  readonly transport: 'nats';
  /** nats://127.0.0.1:4222 by default. */
  readonly servers?: string | readonly string[];
  /** For the broker; `token` above is for the service. */
  readonly credentials?: NatsCredentials;
  readonly tls?: NatsTarget['tls'];
}

export type ConnectOptions = TcpConnectOptions | NatsConnectOptions;

/** Parts a call's options from the fields of its message. */
export function splitOptions<T extends CommandOptions>(
  all: T,
): { options: CommandOptions; fields: Omit<T, keyof CommandOptions> } {
  const { timeoutMs, signal, correlationId, causationId, commandId, retry, ...fields } = all;
  const options = { timeoutMs, signal, correlationId, causationId, commandId, retry };
  return { options, fields };
}
